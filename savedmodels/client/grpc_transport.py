"""TF Serving's gRPC interface: tensors as protocol buffers."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from savedmodels.client import errors
from savedmodels.client.transport import ModelSpec, Transport, missing_library
from savedmodels.tensor_spec import TensorSpec

try:
    import grpc
    import tensorflow as tf
    from google.protobuf import json_format
    from tensorflow_serving.apis import (
        get_model_metadata_pb2,
        get_model_status_pb2,
        model_pb2,
        model_service_pb2_grpc,
        predict_pb2,
        prediction_service_pb2_grpc,
    )

    from savedmodels.tensor_protos import fill_proto, read_proto
except ModuleNotFoundError as missing:
    raise missing_library(missing) from missing

_KINDS = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidRequestError,
    grpc.StatusCode.FAILED_PRECONDITION: errors.InvalidRequestError,
    grpc.StatusCode.OUT_OF_RANGE: errors.InvalidRequestError,
    # What a message larger than the server takes is answered with.
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.RequestTooLargeError,
    grpc.StatusCode.NOT_FOUND: errors.NotFoundError,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlineExceededError,
    grpc.StatusCode.UNAVAILABLE: errors.UnavailableError,
    # The client itself takes no call back: the server is being stopped.
    grpc.StatusCode.CANCELLED: errors.UnavailableError,
}
"""What a status means; any other is a failure of the server's."""

_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # A channel that lost its server fails at once until it tries again. How long it
    # waits for that is left to the client's retries.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
]


class GrpcTransport(Transport):
    """Sends requests over one channel, which threads share.

    Args:
        address: "grpc://host:port".
        model: which model.
    """

    def __init__(self, address: str, model: ModelSpec) -> None:
        super().__init__(address, model)
        self._spec = model_pb2.ModelSpec(name=model.name)
        if model.version is not None:
            self._spec.version.value = model.version
        elif model.version_label is not None:
            self._spec.version_label = model.version_label
        self._channel = grpc.insecure_channel(urlsplit(address).netloc, _OPTIONS)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(
            self._channel
        )
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)

    def model_metadata(self, seconds: float) -> dict[str, Any]:
        """See `Transport`."""
        request = get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=self._spec, metadata_field=["signature_def"]
        )
        send = self._predictions.GetModelMetadata
        answer = self._send(send, request, "metadata", seconds)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(signatures)
        return {"metadata": {"signature_def": _to_dict(signatures)}}

    def model_status(self, seconds: float) -> dict[str, Any]:
        """See `Transport`."""
        request = get_model_status_pb2.GetModelStatusRequest(model_spec=self._spec)
        return _to_dict(
            self._send(self._models.GetModelStatus, request, "status", seconds)
        )

    def predict(
        self,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        outputs: Mapping[str, TensorSpec],
        seconds: float,
    ) -> dict[str, np.ndarray]:
        """See `Transport`."""
        request = predict_pb2.PredictRequest(model_spec=self._spec)
        request.model_spec.signature_name = signature
        for name, value in inputs.items():
            fill_proto(request.inputs[name], value)
        what = f"signature {signature!r}"
        answer = self._send(self._predictions.Predict, request, what, seconds)
        found = dict(answer.outputs)
        try:
            return {
                name: read_proto(name, found[name], spec)
                for name, spec in outputs.items()
            }
        except (LookupError, ValueError) as error:
            received = ", ".join(
                f"{name}: {tf.dtypes.as_dtype(tensor.dtype).name} "
                f"{tuple(tf.TensorShape(tensor.tensor_shape))}"
                for name, tensor in sorted(found.items())
            )
            raise errors.explain(
                errors.ServerError,
                f"The answer does not hold {list(outputs)} as the signature says, but "
                f"{received or 'nothing'}.",
                self.where(what),
            ) from error

    def close(self) -> None:
        """See `Transport`."""
        self._channel.close()

    def _send(
        self, send: Callable[..., Any], request: Any, what: str, seconds: float
    ) -> Any:
        try:
            return send(request, timeout=seconds)
        except grpc.RpcError as error:
            kind = _KINDS.get(error.code(), errors.ServerError)
            raise errors.explain(
                kind, error.details(), self.where(what), f"gRPC {error.code().name}"
            ) from error


def _to_dict(message: Any) -> dict[str, Any]:
    return json_format.MessageToDict(message, preserving_proto_field_name=True)
