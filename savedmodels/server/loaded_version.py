"""One version of a model: a SavedModel, loaded, warmed up and ready for requests."""

import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import grpc
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import prediction_log_pb2

from savedmodels import rest_bodies
from savedmodels.error_messages import check_names, shortened
from savedmodels.server.batching import Arrays, Batcher
from savedmodels.server.errors import ServingError, invalid, serving_error
from savedmodels.tensor_protos import numpy_spec, read_proto

WARM_UP_FILE = pathlib.Path("assets.extra") / "tf_serving_warmup_requests"
_LEAST_BODY_BYTES = 8 << 20
_LEAST_JSON_PARTS = 1000


class LoadedSignature:
    """One signature of a SavedModel.

    Attributes:
        name: how requests name it.
        inputs: what it takes, by name.
        outputs: the names of what it gives.
    """

    def __init__(self, name: str, function: Callable[..., dict]) -> None:
        self.name = name
        specs = sorted(function.structured_input_signature[1].items())
        self.inputs = {key: numpy_spec(spec) for key, spec in specs}
        self.outputs = sorted(function.structured_outputs)
        self._types = {key: spec.dtype for key, spec in specs}
        self._function = function

    def num_rows(self, inputs: Arrays) -> int:
        """Counts the rows of a request, after a check of types and shapes.

        Raises:
            ServingError: INVALID_ARGUMENT, when one is wrong.
        """
        try:
            for name, value in inputs.items():
                self.inputs[name].check(name, value.dtype, value.shape)
        except ValueError as error:
            raise invalid(str(error)) from None
        rows = {name: len(inputs[name]) for name in self.inputs}
        if len(set(rows.values())) != 1:
            received = ", ".join(f"{name} {count}" for name, count in rows.items())
            raise invalid(
                f"All inputs must have equally many rows. Received: {received}"
            )
        return next(iter(rows.values()))

    def read_protos(self, protos: Mapping[str, Any], most_bytes: int) -> Arrays:
        """Reads the inputs of a request by gRPC, of at most so many bytes each.

        Raises:
            ServingError: INVALID_ARGUMENT, when they are others.
        """
        try:
            check_names(self.inputs, protos)
            return {
                name: read_proto(name, proto, self.inputs[name], most_bytes)
                for name, proto in protos.items()
            }
        except ValueError as error:
            raise invalid(str(error)) from None

    def run(self, inputs: Arrays) -> Arrays:
        """Gives the outputs for inputs that were checked.

        Raises:
            ServingError: when the graph refuses them.
        """
        tensors = {
            name: tf.constant(value, self._types[name])
            for name, value in inputs.items()
        }
        try:
            outputs = self._function(**tensors)
        except tf.errors.OpError as error:
            raise serving_error(error, list(self.inputs)) from error
        return {name: value.numpy() for name, value in outputs.items()}


class LoadedVersion:
    """A version in memory.

    Attributes:
        number: of the version.
        signature_defs: the signatures as the SavedModel holds them, for metadata.
        batchers: what runs the signatures, by name.
        max_body_bytes: the largest body that a request over REST may have: 8 MiB, or
            what the largest batch of the largest signature takes.
        max_lists: how many lists and objects its JSON may hold.
        max_commas: how many commas.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        max_batch_size: int,
        max_body_bytes: int | None = None,
    ) -> None:
        """Loads a version and runs its warm-up requests.

        Args:
            path: the version's folder, whose name is its number.
            max_batch_size: most rows of a batch, and of a request.
            max_body_bytes: see the class. Default: derived from the model.

        Raises:
            ServingError: when the version cannot be served; it says why.
        """
        path = pathlib.Path(path)
        self.number = int(path.name)
        try:
            content = (path / tf.saved_model.SAVED_MODEL_FILENAME_PB).read_bytes()
            meta_graph = saved_model_pb2.SavedModel.FromString(content).meta_graphs[0]
            self.signature_defs = dict(meta_graph.signature_def)
            self._model = tf.saved_model.load(str(path))
            self._signatures = {
                name: LoadedSignature(name, function)
                for name, function in self._model.signatures.items()
            }
            if not self._signatures:
                raise ValueError(
                    "A version must have signatures, as what model.export writes does. "
                    f"Received: {path}, which has none."
                )
            self._warm_up(path / WARM_UP_FILE)
        except Exception as error:
            raise _load_error(path, error) from error
        signatures = self._signatures.values()
        self.batchers = {s.name: Batcher(s.run, max_batch_size) for s in signatures}
        sizes = [rest_bodies.row_size(signature.inputs) for signature in signatures]
        most_bytes = max_batch_size * max(size.num_bytes for size in sizes)
        most_lists = max_batch_size * max(size.num_lists for size in sizes)
        most_commas = max_batch_size * max(size.num_commas for size in sizes)
        self.max_body_bytes = max_body_bytes or max(_LEAST_BODY_BYTES, most_bytes)
        self.max_lists = _LEAST_JSON_PARTS + most_lists
        self.max_commas = _LEAST_JSON_PARTS + most_commas

    def signature(self, name: str) -> LoadedSignature:
        """Gives the signature that a request names, by default `serving_default`."""
        name = name or tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
        if name not in self._signatures:
            raise invalid(
                f"The signature must be one of {', '.join(sorted(self._signatures))}. "
                f"Received: {shortened(name, 100)!r}"
            )
        return self._signatures[name]

    def _warm_up(self, file: pathlib.Path) -> None:
        """Runs the requests that lie with a version, so that no caller waits."""
        if not file.is_file():
            return
        records = tf.data.TFRecordDataset(str(file)).as_numpy_iterator()
        for record in records:
            log = prediction_log_pb2.PredictionLog.FromString(record)
            request = log.predict_log.request
            signature = self.signature(request.model_spec.signature_name)
            inputs = signature.read_protos(request.inputs, most_bytes=1 << 30)
            signature.num_rows(inputs)
            signature.run(inputs)


def _load_error(path: pathlib.Path, error: Exception) -> ServingError:
    """Says why a version is not served."""
    if isinstance(error, ServingError):
        return ServingError(error.code, f"A warm-up request fails: {error.message}")
    if isinstance(error, ValueError):
        return ServingError(grpc.StatusCode.FAILED_PRECONDITION, str(error))
    told = f"{type(error).__name__}: {error}"
    if isinstance(error, tf.errors.OpError):
        told = serving_error(error).message
    return ServingError(
        grpc.StatusCode.FAILED_PRECONDITION,
        f"The files of a version must be whole. Publish it again. Received: {path}, "
        f"and while it was loaded: {told}",
    )
