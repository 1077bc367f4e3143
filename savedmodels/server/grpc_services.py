"""The gRPC interface: PredictionService and ModelService."""

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
    model_management_pb2,
    predict_pb2,
)

from savedmodels.server.errors import ServingError, invalid, serving_error
from savedmodels.server.model_config import model_configs
from savedmodels.server.registry import ServedModels
from savedmodels.server.tensor_protos import arrays_of, fill_proto
from savedmodels.server.version_status import status_response

Call = Callable[[Any, grpc.ServicerContext], Any]
"""Answers a message with a message."""

_LONGEST_WAIT = 24 * 3600.0
"""Seconds after which a call without a deadline is given up."""


class GrpcServices(grpc.GenericRpcHandler):
    """Answers the calls of all services.

    Messages are parsed here, so that damaged ones are answered with a sentence.
    """

    def __init__(self, models: ServedModels, max_body_bytes: int) -> None:
        """Lists the calls.

        Args:
            models: what is served.
            max_body_bytes: what an input may take in memory.
        """
        self._models = models
        self._max_body_bytes = max_body_bytes
        prediction = "/tensorflow.serving.PredictionService"
        management = "/tensorflow.serving.ModelService"
        self._calls: dict[str, tuple[Any, Call]] = {
            f"{prediction}/Predict": (predict_pb2.PredictRequest, self._predict),
            f"{prediction}/GetModelMetadata": (
                get_model_metadata_pb2.GetModelMetadataRequest,
                self._metadata,
            ),
            f"{management}/GetModelStatus": (
                get_model_status_pb2.GetModelStatusRequest,
                self._status,
            ),
            f"{management}/HandleReloadConfigRequest": (
                model_management_pb2.ReloadConfigRequest,
                self._reload,
            ),
        }

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
        with self._models.lease(*_target(request.model_spec)) as loaded:
            signature = loaded.served.model.signature(request.model_spec.signature_name)
            inputs = arrays_of(request.inputs, signature, self._max_body_bytes)
            future = loaded.served.submit(signature, inputs, deadline)
            # When the client is gone, nobody needs the answer.
            context.add_callback(future.cancel)
            outputs = _result(future, timeout)
        response = predict_pb2.PredictResponse()
        self._fill_spec(response.model_spec, request, loaded.version, signature.name)
        for name in _filtered(outputs, request.output_filter):
            fill_proto(response.outputs[name], outputs[name])
        return response

    def _metadata(self, request: Any, context: grpc.ServicerContext) -> Any:
        if list(request.metadata_field) != ["signature_def"]:
            raise invalid(
                "metadata_field must be signature_def. "
                f"Received: {', '.join(request.metadata_field) or 'none'}"
            )
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        with self._models.lease(*_target(request.model_spec)) as loaded:
            signatures = get_model_metadata_pb2.SignatureDefMap(
                signature_def=loaded.served.model.signature_defs
            )
            self._fill_spec(response.model_spec, request, loaded.version, "")
        response.metadata["signature_def"].Pack(signatures)
        return response

    def _status(self, request: Any, context: grpc.ServicerContext) -> Any:
        name, version, label = _target(request.model_spec)
        model = self._models.model(name)
        statuses = model.statuses(model.version_of(version, label))
        return status_response(name, statuses)

    def _reload(self, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            self._models.reload(model_configs(request.config))
        except ValueError as error:
            raise invalid(str(error)) from None
        return model_management_pb2.ReloadConfigResponse()

    def _fill_spec(self, spec: Any, request: Any, version: int, signature: str) -> None:
        spec.name = request.model_spec.name
        spec.version.value = version
        spec.signature_name = signature


def _target(spec: Any) -> tuple[str, int | None, str]:
    """The model, version and label that a request names."""
    if not spec.name:
        raise invalid("model_spec must name a model. Received: none")
    version = spec.version.value if spec.HasField("version") else None
    return spec.name, version, spec.version_label


def _result(future: concurrent.futures.Future, timeout: float) -> Any:
    try:
        return future.result(timeout)
    except concurrent.futures.TimeoutError:
        future.cancel()
        raise ServingError(
            grpc.StatusCode.DEADLINE_EXCEEDED, "The deadline of the call is over."
        ) from None
    except concurrent.futures.CancelledError:
        raise ServingError(
            grpc.StatusCode.CANCELLED, "The client took the call back."
        ) from None


def _filtered(outputs: dict, wanted: Any) -> list[str]:
    unknown = set(wanted) - set(outputs)
    if unknown:
        raise invalid(
            f"output_filter must name outputs, which are {', '.join(sorted(outputs))}. "
            f"Received: {', '.join(sorted(unknown))}"
        )
    return list(wanted) or list(outputs)
