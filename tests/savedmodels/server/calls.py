"""Asking a server, over both protocols, as directly as one can."""

import json
import time

import grpc
import numpy as np
import requests
import tensorflow as tf
from tensorflow_serving.apis import (
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)


class Rest:
    """REST of one model.

    Attributes:
        url: the address of the model.
    """

    def __init__(self, server, model):
        self.root = server.rest_url
        self.url = f"{server.rest_url}/v1/models/{model}"
        self._session = requests.Session()

    def get(self, path=""):
        return self._session.get(f"{self.url}{path}", timeout=60)

    def post(self, body, path=":predict", **options):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._session.post(f"{self.url}{path}", data=data, timeout=60, **options)

    def answer(self, body, path=":predict"):
        """The answer's body, after a request that must succeed."""
        response = self.post(body, path)
        assert response.status_code == 200, response.text
        return response.json()


class Grpc:
    """gRPC of one model."""

    def __init__(self, server, model):
        self.model = model
        self.channel = grpc.insecure_channel(
            server.grpc_address, [("grpc.max_send_message_length", -1)]
        )
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(
            self.channel
        )
        self.management = model_service_pb2_grpc.ModelServiceStub(self.channel)

    def request(self, signature="", version=None, **inputs):
        request = predict_pb2.PredictRequest()
        request.model_spec.name = self.model
        request.model_spec.signature_name = signature
        if version is not None:
            request.model_spec.version.value = version
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
        return request

    def send(self, request):
        return self.prediction.Predict(request, timeout=60)

    def answer(self, signature="", version=None, **inputs):
        """The outputs as arrays, after a call that must succeed."""
        response = self.send(self.request(signature, version, **inputs))
        return {name: tf.make_ndarray(x) for name, x in response.outputs.items()}

    def raw(self, method, body, timeout=60):
        """Sends bytes, whatever they are."""
        return self.channel.unary_unary(method)(body, timeout=timeout)


PREDICT = "/tensorflow.serving.PredictionService/Predict"


def sample_row(seed, label, temperature=1.0):
    """One row of a `sample` request over REST."""
    return {"seed": seed, "label": label, "temperature": temperature}


def sample_inputs(seeds, labels):
    """A `sample` request over gRPC, or to a signature in this process."""
    return {
        "seed": np.array(seeds, np.int64),
        "label": np.array(labels, np.int32),
        "temperature": np.ones(len(seeds), np.float32),
    }


def wait_for(condition):
    """Waits until a function returns True, for a minute at most."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)
