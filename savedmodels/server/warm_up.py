"""Replaying the warm-up requests that lie with a version."""

import os
import pathlib

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from savedmodels.server.saved_model import ServedModel
from savedmodels.server.tensor_protos import arrays_of

PATH = pathlib.Path("assets.extra") / "tf_serving_warmup_requests"
MOST_REQUESTS = 1000


def replay_warm_up(model: ServedModel, path: str | os.PathLike[str]) -> int:
    """Runs the warm-up requests of a version, so that its first callers need not wait.

    Args:
        model: the version, loaded.
        path: the folder of the version.

    Returns:
        How many were run.

    Raises:
        ServingError, tf.errors.OpError: when one cannot be answered.
        ValueError: when there are too many, or others than those of Predict.
    """
    file = pathlib.Path(path) / PATH
    if not file.is_file():
        return 0
    count = 0
    for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(record)
        if log.WhichOneof("log_type") != "predict_log" or count == MOST_REQUESTS:
            raise ValueError(
                f"Warm-up requests must be at most {MOST_REQUESTS}, all of Predict. "
                f"Received: number {count + 1}, {log.WhichOneof('log_type')}, in {file}"
            )
        request = log.predict_log.request
        signature = model.signature(request.model_spec.signature_name)
        inputs = arrays_of(request.inputs, signature, most_bytes=1 << 30)
        signature.num_rows(inputs)
        signature.run(inputs)
        count += 1
    return count
