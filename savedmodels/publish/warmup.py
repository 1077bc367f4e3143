"""Warm-up requests, which a server runs before it answers callers.

TF Serving reads them from the export and runs each, so that the first caller does not
wait for what is done once. One that fails keeps the server from loading the export.
"""

import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from keras_pixelcnn.pixel_values import to_pixels
from savedmodels.publish.graph_scan import read_signatures

WARMUP_FILE = pathlib.PurePath("assets.extra", "tf_serving_warmup_requests")
"""Path of the requests in an export, where TF Serving looks for them."""

_MOST_REQUESTS = 1_000
"""A server does not load an export with more."""


class Request(NamedTuple):
    """A request: the name of a signature, and its inputs by name."""

    signature: str
    inputs: dict[str, np.ndarray]

    @property
    def num_rows(self) -> int:
        """Batch size: the fewest rows of an input."""
        return min((len(np.atleast_1d(x)) for x in self.inputs.values()), default=0)


# Making requests.


def example_requests(
    export: str | os.PathLike[str],
    metadata: Mapping[str, Any],
    batch_sizes: Sequence[int],
) -> list[Request]:
    """Makes a request to each signature for each batch size, always the same.

    Args:
        export: the folder of a SavedModel of this package.
        metadata: what its `assets.extra/metadata.json` holds.
        batch_sizes: rows of the requests.

    Raises:
        ValueError: when a signature has an input of an unknown name.
    """
    return [
        Request(name, _example_inputs(signature, metadata, size))
        for name, signature in read_signatures(export).items()
        for size in batch_sizes
    ]


def _example_inputs(
    signature: Any, metadata: Mapping[str, Any], batch_size: int
) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(batch_size)
    inputs = {}
    for name, info in sorted(signature.inputs.items()):
        shape = (batch_size, *tf.TensorShape(info.tensor_shape)[1:])
        values = _example_values(name, shape, metadata, generator)
        inputs[name] = values.astype(tf.as_dtype(info.dtype).as_numpy_dtype)
    return inputs


def _example_values(
    name: str,
    shape: tuple[int, ...],
    metadata: Mapping[str, Any],
    generator: np.random.Generator,
) -> np.ndarray:
    """Returns valid values of an input, of a shape that leads with the rows."""
    rows, num_levels = np.arange(shape[0]), metadata["num_levels"]
    match name:
        case "seed":
            low, high = np.iinfo(np.int64).min, np.iinfo(np.int64).max
            return generator.integers(low, high, shape, np.int64, endpoint=True)
        case "temperature":
            values = generator.uniform(0.5, 1.5, shape)
            values[0] = 1.0
            return values
        case "noise" | "position":
            return generator.random(shape, np.float32)
        case "image" | "image_a" | "image_b":
            return generator.integers(0, num_levels, shape)
        case "image_bytes":
            pixels = (*shape, *metadata["image_shape"])
            images = generator.integers(0, num_levels, pixels)
            bits = 8 if num_levels <= 256 else 16
            return _png_files(to_pixels(images, num_levels, bits))
        case "mask":
            return _masks(shape)
        case "mask_bytes":
            masks = _masks((*shape, *metadata["image_shape"][:2]))
            return _png_files(np.where(masks[..., None], 255, 0).astype(np.uint8))
        case "label":
            labels = rows % metadata["conditions"]["label"]["num_classes"]
            if metadata["conditions_optional"] and len(labels) > 1:
                labels[-1] = -1  # for none
            return labels
        case "latent" | "embedding" | "embedding_a" | "embedding_b" | "spatial":
            # Positive: between any two of these there is an arc.
            return generator.uniform(0.5, 1.5, shape)
        case "caption":
            return np.zeros(shape, np.int32)  # no words
        case "has_condition" | "spherical":
            return (rows + 1) % 2
        case "row":
            return rows
    raise ValueError(
        f"No example is known of an input with this name. Received: {name!r}. "
        "Add one to savedmodels.publish.warmup."
    )


def _masks(shape: tuple[int, ...]) -> np.ndarray:
    """Returns masks whose known upper parts have all heights."""
    rows, height = np.arange(shape[0]), shape[1]
    known = np.arange(height) < (height // 2 + rows[:, None]) % (height + 1)
    return np.broadcast_to(known[:, :, None], shape)


def _png_files(pixels: np.ndarray) -> np.ndarray:
    files = [tf.io.encode_png(image).numpy() for image in pixels]
    return np.array(files, dtype=object)


# Files of requests.


def serving_protos() -> ModuleType:
    """Imports the module of TF Serving's `PredictionLog`.

    Raises:
        ModuleNotFoundError: when tensorflow-serving-api is not installed.
    """
    try:
        from tensorflow_serving.apis import prediction_log_pb2
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Warm-up requests are written with tensorflow-serving-api, which is not "
            'installed. Run: pip install "keras-pixelcnn[serving]"'
        ) from error
    return prediction_log_pb2


def write_requests(
    path: str | os.PathLike[str], requests: Iterable[Request], model_name: str
) -> None:
    """Writes requests as servers read them, a TFRecord of `PredictionLog`.

    Args:
        path: of the file, in a folder that exists.
        requests: at most 1,000.
        model_name: what the model is called where it is served.

    Raises:
        ModuleNotFoundError: when tensorflow-serving-api is not installed.
        ValueError: when there are too many.
    """
    protos, requests = serving_protos(), list(requests)
    if len(requests) > _MOST_REQUESTS:
        raise ValueError(
            f"There must be at most {_MOST_REQUESTS} warm-up requests. "
            f"Received: {len(requests)}"
        )
    with tf.io.TFRecordWriter(os.fspath(path)) as writer:
        for request in requests:
            log = protos.PredictionLog()
            message = log.predict_log.request
            message.model_spec.name = model_name
            message.model_spec.signature_name = request.signature
            for name, values in request.inputs.items():
                message.inputs[name].CopyFrom(tf.make_tensor_proto(values))
            writer.write(log.SerializeToString(deterministic=True))


def read_requests(path: str | os.PathLike[str]) -> list[Request]:
    """Reads what `write_requests` wrote, as strictly as a server.

    Raises:
        FileNotFoundError: when there is no such file.
        ModuleNotFoundError: when tensorflow-serving-api is not installed.
        ValueError: when the file is damaged, or a record is no prediction request.
    """
    protos = serving_protos()
    if not os.path.isfile(path):
        raise FileNotFoundError(f"{path} must hold warm-up requests. There is none.")
    records = tf.data.TFRecordDataset(os.fspath(path)).as_numpy_iterator()
    try:
        return [
            _parse(record, protos, f"record {index} of {path}")
            for index, record in enumerate(records)
        ]
    except tf.errors.DataLossError as error:
        raise ValueError(f"{path} is damaged: {error.message}") from error


def _parse(record: bytes, protos: ModuleType, what: str) -> Request:
    log = protos.PredictionLog()
    try:
        log.ParseFromString(record)
        message = log.predict_log.request
        inputs = {name: tf.make_ndarray(x) for name, x in message.inputs.items()}
    except (DecodeError, TypeError, ValueError) as error:
        raise ValueError(f"A server cannot read {what}: {error}") from error
    # A server passes over logs of no kind, and so over mistakes.
    if log.WhichOneof("log_type") != "predict_log":
        raise ValueError(
            f"Warm-up requests must be logs of predictions. Received: {what}, a log of "
            f"kind {log.WhichOneof('log_type')}"
        )
    return Request(message.model_spec.signature_name, inputs)
