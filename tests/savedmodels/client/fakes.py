"""Servers that answer as told: the protocols of TF Serving, and no model behind them.

Their "model" has images of 2 x 1 pixels of one channel: the label, and ten times the
temperature plus the seed's last digit.
"""

import base64
import concurrent.futures
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import any_pb2, json_format
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

DOCUMENT = {
    "image_shape": [2, 1, 1],
    "num_levels": 50,
    "conditions": {"label": {"dtype": "int32", "shape": [], "num_classes": 3}},
    "conditions_optional": True,
    "label_names": ["zero", "one", "two"],
}

_RANDOM = {
    "seed": ("DT_INT64", []),
    "temperature": ("DT_FLOAT", []),
    "label": ("DT_INT32", []),
}
_IMAGE = ("DT_INT32", [2, 1, 1])
SIGNATURES = {
    "sample": (_RANDOM, {"image": ("DT_UINT8", [2, 1, 1])}),
    "sample_png": (_RANDOM, {"image_bytes": ("DT_STRING", [])}),
    "complete_png": (
        {
            "image_bytes": ("DT_STRING", []),
            "mask_bytes": ("DT_STRING", []),
            **_RANDOM,
        },
        {"image_bytes": ("DT_STRING", []), "known_share": ("DT_FLOAT", [])},
    ),
    "log_prob": (
        {"image": _IMAGE, "label": ("DT_INT32", [])},
        {"log_prob": ("DT_FLOAT", []), "bits_per_dim": ("DT_FLOAT", [])},
    ),
    "metadata": ({"row": ("DT_INT32", [])}, {"metadata": ("DT_STRING", [])}),
    "__saved_model_init_op": ({}, {"__saved_model_init_op": ("DT_INVALID", None)}),
}


def described(signatures=SIGNATURES):
    """The signatures as JSON spells them."""

    def tensor(dtype, shape):
        if shape is None:
            return {"dtype": dtype, "tensor_shape": {"unknown_rank": True}}
        sizes = [{"size": str(size), "name": ""} for size in [-1, *shape]]
        shape = {"dim": sizes, "unknown_rank": False}
        return {"dtype": dtype, "tensor_shape": shape, "name": "x:0"}

    return {
        name: {
            "inputs": {key: tensor(*spec) for key, spec in inputs.items()},
            "outputs": {key: tensor(*spec) for key, spec in outputs.items()},
            "method_name": "tensorflow/serving/predict",
        }
        for name, (inputs, outputs) in signatures.items()
    }


def answer(signature, inputs):
    """What the model gives, as arrays."""
    if signature == "metadata":
        return {"metadata": np.full(len(inputs["row"]), json.dumps(DOCUMENT), object)}
    if signature == "log_prob":
        nats = -inputs["image"].sum((1, 2, 3)) - inputs["label"] / 4
        return {"log_prob": nats.astype("f4"), "bits_per_dim": -nats.astype("f4") / 2}
    if signature == "complete_png":
        files = list(zip(inputs["image_bytes"], inputs["mask_bytes"], strict=True))
        shares = {b"all": 1.0, b"nothing": 0.0}
        return {
            "image_bytes": np.array([a + b"\0" + b for a, b in files], object),
            "known_share": np.array([shares.get(b, 0.5) for _, b in files], "f4"),
        }
    second = np.rint(inputs["temperature"] * 10) + inputs["seed"] % 10
    image = np.stack([inputs["label"], second], 1).reshape(-1, 2, 1, 1) % 256
    if signature == "sample":
        return {"image": image.astype("u1")}
    files = [b"\x89PNG" + bytes(row.ravel().astype("u1")) for row in image]
    return {"image_bytes": np.array(files, object)}


# What a server can be told to do instead: a status of gRPC, and a sentence.

HTTP_CODES = {
    "INVALID_ARGUMENT": 400,
    "NOT_FOUND": 404,
    "DEADLINE_EXCEEDED": 504,
    "UNAVAILABLE": 503,
    "INTERNAL": 500,
}


class Fake:
    """What both servers share.

    `script` holds what to do with the next requests for predictions; afterwards they
    are answered. `rows` are those of the requests that were answered, `seen` is what
    came, whatever became of it.
    """

    def __init__(self):
        self.script = []
        self.seen = []
        self.rows = []
        self.released = threading.Event()

    def next_step(self, what):
        self.seen.append(what)
        return self.script.pop(0) if self.script else None


class RestFake(Fake):
    def __enter__(self, port=0):
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16  # an answer goes out as one packet

            def log_message(self, *arguments):
                pass

            def reply(self, code, body, **headers):
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(content)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def do_GET(self):
                fake.paths.append(self.path)
                if self.path.endswith("/metadata"):
                    body = {"signature_def": {"signature_def": described()}}
                    self.reply(200, fake.metadata or {"metadata": body})
                else:
                    self.reply(200, STATUS)

            def do_POST(self):
                fake.paths.append(self.path)
                size = int(self.headers["Content-Length"])
                body = json.loads(self.rfile.read(size))
                name, inputs = body["signature_name"], body["inputs"]
                step = fake.next_step(body)
                if callable(step):
                    step(self)
                elif step is not None:
                    self.reply(HTTP_CODES[step[0]], {"error": step[1]})
                else:
                    outputs = answer(name, _from_json(name, inputs))
                    fake.rows.append(len(next(iter(outputs.values()))))
                    self.reply(200, {"outputs": _to_json(outputs)})

        self.paths, self.metadata = [], None
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=[0.01]).start()
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *error):
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


STATUS = {
    "model_version_status": [
        {
            "version": "2",
            "state": "AVAILABLE",
            "status": {"error_code": "OK", "error_message": ""},
        },
        {
            "version": "1",
            "state": "END",
            "status": {"error_code": "INTERNAL", "error_message": "broken"},
        },
    ]
}


def _from_json(signature, inputs):
    specs, found = SIGNATURES[signature][0], {}
    assert set(inputs) == set(specs)
    for name, (dtype, _) in specs.items():
        if dtype == "DT_STRING":
            files = [base64.b64decode(value["b64"]) for value in inputs[name]]
            found[name] = np.array(files, object)
        else:
            found[name] = np.array(inputs[name])
            if "INT" in dtype:
                assert found[name].dtype.kind == "i"
    return found


def _to_json(outputs):
    columns = {}
    for name, values in outputs.items():
        columns[name] = values.tolist()
        if name.endswith("_bytes"):
            columns[name] = [
                {"b64": base64.b64encode(value).decode()} for value in values
            ]
    return next(iter(columns.values())) if len(columns) == 1 else columns


class GrpcFake(
    Fake,
    prediction_service_pb2_grpc.PredictionServiceServicer,
    model_service_pb2_grpc.ModelServiceServicer,
):
    def __enter__(self, port=0):
        self._pool = concurrent.futures.ThreadPoolExecutor(8)
        self._server = grpc.server(self._pool)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            self, self._server
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(self, self._server)
        port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        self._server.start()
        self.address = f"grpc://127.0.0.1:{port}"
        return self

    def __exit__(self, *error):
        self.released.set()
        self._server.stop(None).wait()
        self._pool.shutdown()

    def GetModelMetadata(self, request, context):
        signatures = get_model_metadata_pb2.SignatureDefMap()
        json_format.ParseDict({"signature_def": described()}, signatures)
        packed = any_pb2.Any()
        packed.Pack(signatures)
        return get_model_metadata_pb2.GetModelMetadataResponse(
            metadata={"signature_def": packed}
        )

    def GetModelStatus(self, request, context):
        return json_format.ParseDict(
            STATUS, get_model_status_pb2.GetModelStatusResponse()
        )

    def Predict(self, request, context):
        step = self.next_step(request)
        if callable(step):
            return step(context)
        if step is not None:
            context.abort(grpc.StatusCode[step[0]], step[1])
        name = request.model_spec.signature_name
        specs = SIGNATURES[name][0]
        inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        assert {
            key: (f"DT_{tf.as_dtype(request.inputs[key].dtype).name.upper()}")
            for key in inputs
        } == {
            key: {"DT_FLOAT": "DT_FLOAT32"}.get(dtype, dtype)
            for key, (dtype, _) in specs.items()
        }
        outputs = answer(name, inputs)
        self.rows.append(len(next(iter(outputs.values()))))
        return response(outputs)


def response(outputs):
    """Arrays as gRPC gives them."""
    made = predict_pb2.PredictResponse()
    for name, values in outputs.items():
        made.outputs[name].CopyFrom(tf.make_tensor_proto(values))
    return made


FAKES = {"rest": RestFake, "grpc": GrpcFake}
