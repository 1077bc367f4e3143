"""One version of a model, loaded, warmed up and ready for requests."""

import os
import pathlib

import grpc
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from savedmodels.server.batching import MAX_BATCH_SIZE, Batcher
from savedmodels.server.errors import ServingError, serving_error
from savedmodels.server.saved_model import LoadedModel

WARM_UP_FILE = pathlib.Path("assets.extra") / "tf_serving_warmup_requests"

_MOST_WARM_UP_REQUESTS = 1000
_LEAST_BODY_BYTES = 8 << 20
_LEAST_LISTS = 1000


class LoadedVersion:
    """A version in memory.

    Attributes:
        number: of the version.
        model: what was loaded.
        batchers: what runs its signatures, by name.
        max_body_bytes: the largest body that a request over REST may have: 8 MiB, or
            what the largest batch of the largest signature takes.
        max_lists: how many lists and objects its JSON may hold.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        max_batch_size: int = MAX_BATCH_SIZE,
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
            self.model = LoadedModel(path)
            _warm_up(self.model, path)
        except Exception as error:
            raise _load_error(path, error) from error
        signatures = self.model.signatures
        self.batchers = {
            name: Batcher(signature.run, max_batch_size)
            for name, signature in signatures.items()
        }
        sizes = [signature.json_size() for signature in signatures.values()]
        most_bytes = max(num_bytes for num_bytes, _ in sizes)
        most_lists = max(num_lists for _, num_lists in sizes)
        derived = max(_LEAST_BODY_BYTES, max_batch_size * most_bytes)
        self.max_body_bytes = max_body_bytes or derived
        self.max_lists = _LEAST_LISTS + max_batch_size * most_lists


def _warm_up(model: LoadedModel, path: pathlib.Path) -> None:
    """Runs the requests that lie with a version: its first callers need not wait."""
    file = path / WARM_UP_FILE
    if not file.is_file():
        return
    records = tf.data.TFRecordDataset(str(file)).as_numpy_iterator()
    for count, record in enumerate(records):
        log = prediction_log_pb2.PredictionLog.FromString(record)
        kind = log.WhichOneof("log_type")
        if kind != "predict_log" or count == _MOST_WARM_UP_REQUESTS:
            raise ValueError(
                f"Warm-up requests must be at most {_MOST_WARM_UP_REQUESTS}, all of "
                f"Predict. Received: number {count + 1}, {kind}, in {file}"
            )
        request = log.predict_log.request
        signature = model.signature(request.model_spec.signature_name)
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
