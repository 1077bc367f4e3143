"""The gRPC interface: PredictionService and ModelService, as TensorFlow Serving's."""

import concurrent.futures
import math
import time
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf import message as protobuf_message
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
)

from savedmodels.server.errors import ServingError, invalid, serving_error
from savedmodels.server.registry import ModelRegistry
from savedmodels.tensor_protos import fill_proto

_THREADS = 256
"""Calls that may be under way at once; further ones wait."""

_LONGEST_WAIT = 24 * 3600.0
"""Seconds after which a call without a deadline is given up."""


class GrpcServer(grpc.GenericRpcHandler):
    """Threads that answer calls of gRPC.

    Messages are parsed here, so that damaged ones are answered with a sentence.

    Attributes:
        port: the port that is listened on.
    """

    def __init__(
        self, registry: ModelRegistry, host: str, port: int, max_message_bytes: int
    ) -> None:
        """Begins to listen; the arguments are those of `LocalServer`.

        Raises:
            RuntimeError: when the port cannot be had.
        """
        self._registry = registry
        self._max_message_bytes = max_message_bytes
        prediction = "/tensorflow.serving.PredictionService"
        self._calls: dict[str, tuple[Any, Callable[..., Any]]] = {
            f"{prediction}/Predict": (predict_pb2.PredictRequest, self._predict),
            f"{prediction}/GetModelMetadata": (
                get_model_metadata_pb2.GetModelMetadataRequest,
                self._get_metadata,
            ),
            "/tensorflow.serving.ModelService/GetModelStatus": (
                get_model_status_pb2.GetModelStatusRequest,
                self._get_status,
            ),
        }
        self._threads = concurrent.futures.ThreadPoolExecutor(_THREADS, "grpc")
        self._server = grpc.server(
            self._threads,
            handlers=[self],
            options=[
                # Without this, two servers share a port and no one is told.
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", max_message_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.server_handshake_timeout_ms", 10_000),
            ],
        )
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.port = self._server.add_insecure_port(address)
        self._server.start()

    def stop(self, grace_seconds: float) -> None:
        """Answers the calls that have come, within some seconds."""
        self._server.stop(grace_seconds).wait()
        self._threads.shutdown()

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """Gives what answers a call."""

        def answer(body: bytes, context: grpc.ServicerContext) -> bytes:
            try:
                return self._answer(details.method, body, context)
            except Exception as error:
                told = serving_error(error)
            context.abort(told.code, told.message)

        return grpc.unary_unary_rpc_method_handler(answer)

    def _answer(self, method: str, body: bytes, context: grpc.ServicerContext) -> bytes:
        if method not in self._calls:
            known = ", ".join(name.rpartition("/")[2] for name in self._calls)
            raise ServingError(
                grpc.StatusCode.UNIMPLEMENTED,
                f"The calls that are answered are {known}. Received: {method}",
            )
        message_class, call = self._calls[method]
        try:
            message = message_class.FromString(body)
        except protobuf_message.DecodeError as error:
            raise invalid(
                f"The message must be a whole {message_class.DESCRIPTOR.full_name}. "
                f"Received {len(body)} bytes: {error}"
            ) from None
        return call(message, context).SerializeToString()

    def _predict(self, request: Any, context: grpc.ServicerContext) -> Any:
        # A call without a deadline has none, or one beyond what threads can wait for.
        remaining = context.time_remaining()
        timeout = min(math.inf if remaining is None else remaining, _LONGEST_WAIT)
        deadline = time.monotonic() + timeout
        name, version = _target(request.model_spec)
        loaded = self._registry.model(name).get(version)
        signature = loaded.signature(request.model_spec.signature_name)
        unknown = set(request.output_filter) - set(signature.outputs)
        if unknown:
            raise invalid(
                f"output_filter must name outputs, which are "
                f"{', '.join(signature.outputs)}. "
                f"Received: {', '.join(sorted(unknown))}"
            )
        inputs = signature.read_protos(request.inputs, self._max_message_bytes)
        rows = signature.num_rows(inputs)
        future = loaded.batchers[signature.name].submit(inputs, rows, deadline)
        # When the client is gone, nobody needs the answer.
        context.add_callback(future.cancel)
        outputs = future.result(timeout)
        response = predict_pb2.PredictResponse()
        response.model_spec.name = name
        response.model_spec.version.value = loaded.number
        response.model_spec.signature_name = signature.name
        for name in request.output_filter or signature.outputs:
            fill_proto(response.outputs[name], outputs[name])
        return response

    def _get_metadata(self, request: Any, context: grpc.ServicerContext) -> Any:
        if list(request.metadata_field) != ["signature_def"]:
            raise invalid(
                "metadata_field must be signature_def. "
                f"Received: {', '.join(request.metadata_field) or 'none'}"
            )
        name, version = _target(request.model_spec)
        loaded = self._registry.model(name).get(version)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = name
        response.model_spec.version.value = loaded.number
        signatures = get_model_metadata_pb2.SignatureDefMap(
            signature_def=loaded.signature_defs
        )
        response.metadata["signature_def"].Pack(signatures)
        return response

    def _get_status(self, request: Any, context: grpc.ServicerContext) -> Any:
        name, version = _target(request.model_spec)
        return self._registry.model(name).status(version)


def _target(spec: Any) -> tuple[str, int | None]:
    """Gives the model and the version that a request names."""
    if not spec.name:
        raise invalid("model_spec must name a model. Received: none")
    if spec.version_label:
        raise invalid(
            "A version must be named by its number: this server has no labels, which "
            f"TensorFlow Serving has. Received: {spec.version_label!r}"
        )
    return spec.name, spec.version.value if spec.HasField("version") else None
