"""Outputs of the Python model for an export's requests."""

import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.export.saved_model import METADATA_FILE
from keras_pixelcnn.files import read_json
from keras_pixelcnn.interpolation import embeddings_between
from keras_pixelcnn.pixel_values import to_levels, to_pixels
from savedmodels.publish.warmup import Request

Arrays = dict[str, np.ndarray]


def expected_outputs(
    model: kp.AutoregressiveImageModel, export: pathlib.Path, request: Request
) -> Arrays:
    """Computes what an export must return, by the model's own methods.

    Args:
        model: what was exported.
        export: the folder of the export, for its metadata.
        request: to one of the export's signatures.

    Returns:
        Arrays by the names of the signature's outputs, PNG files as `decode_outputs`
        gives them.

    Raises:
        ValueError: when the model has no method for the signature.
    """
    metadata, signature = read_json(export / METADATA_FILE), request.signature
    if signature == "metadata":
        return {"metadata": [metadata] * request.num_rows}
    if signature == "serving_default":
        signature = next(iter(metadata["signatures"]))
    if signature not in _METHODS:
        raise ValueError(
            "The model must have a method for each signature, to compare outputs. "
            f"Received: a signature {signature!r}"
        )
    answer = _METHODS[signature](model, dict(request.inputs))
    return {name: np.asarray(values) for name, values in answer.items()}


def decode_outputs(answer: Mapping[str, Any]) -> Arrays:
    """Converts outputs to arrays: PNG files to pixels, JSON to documents.

    Args:
        answer: tensors by the names of a signature's outputs.
    """
    return {name: _DECODERS.get(name, np.asarray)(x) for name, x in answer.items()}


def _read_pixels(files: Any) -> np.ndarray:
    # 16 bits hold what 8 bits hold, 257 times as large.
    return np.stack([tf.io.decode_png(file, dtype=tf.uint16) for file in files])


_DECODERS = {
    "metadata": lambda texts: [json.loads(text) for text in np.asarray(texts)],
    "image_bytes": _read_pixels,
}


def _written_pixels(images: tf.Tensor, num_levels: int) -> np.ndarray:
    """Returns the pixels that `_read_pixels` finds in PNG files of images."""
    if num_levels <= 256:
        return to_pixels(images.numpy(), num_levels).astype(np.uint16) * 257
    return to_pixels(images.numpy(), num_levels, bits=16)


def _scores(nats: tf.Tensor, model: Any, name: str, bits: str) -> Arrays:
    return {name: nats, bits: kp.bits_per_dim(nats, model.num_dims)}


def _sample_png(model: Any, inputs: Arrays) -> Mapping[str, Any]:
    images = model.sample(**inputs)
    return {"image_bytes": _written_pixels(images, model.num_levels)}


def _complete_png(model: Any, inputs: Arrays) -> Mapping[str, Any]:
    pixels = _read_pixels(inputs.pop("image_bytes"))
    white = _read_pixels(inputs.pop("mask_bytes"))[..., 0] >= 128 * 257
    images = to_levels(pixels, model.num_levels, bits=16)
    drawn = model.complete(images, white, **inputs)
    pixels = _written_pixels(drawn, model.num_levels)
    return {"image_bytes": pixels, "known_share": white.mean((1, 2)).astype("float32")}


def _classify(model: Any, inputs: Arrays) -> Mapping[str, Any]:
    probabilities = model.classify(**inputs)
    return {"probabilities": probabilities, "label": np.argmax(probabilities, axis=-1)}


def _interpolate(model: Any, inputs: Arrays) -> Mapping[str, Any]:
    """Interpolates embeddings, or the latents of images for an auto-encoder."""
    if "image_a" in inputs:
        a, b = (model.encode(inputs.pop(name)) for name in ("image_a", "image_b"))
        position = inputs.pop("position")[:, np.newaxis]
        latent = (1 - position) * a + position * b
        return {"image": model.decode(latent, **inputs)}
    names = ("embedding_a", "embedding_b", "position", "spherical")
    given = (tf.constant(inputs.pop(name)) for name in names)
    embedding, _ = embeddings_between(*given)
    return {"image": model.sample(embedding=embedding, **inputs)}


_METHODS: dict[str, Callable[[Any, Arrays], Mapping[str, Any]]] = {
    "sample": lambda model, inputs: {"image": model.sample(**inputs)},
    "sample_png": _sample_png,
    "sample_from_noise": lambda model, inputs: {
        "image": model.sample_from_noise(**inputs)
    },
    "log_prob": lambda model, inputs: _scores(
        model.log_prob(**inputs), model, "log_prob", "bits_per_dim"
    ),
    "log_prob_per_value": lambda model, inputs: {
        "log_prob_per_value": model.log_prob(reduce=False, **inputs)
    },
    "complete": lambda model, inputs: {"image": model.complete(**inputs)},
    "complete_png": _complete_png,
    "classify": _classify,
    "interpolate": _interpolate,
    "encode": lambda model, inputs: {"latent": model.encode(**inputs)},
    "decode": lambda model, inputs: {"image": model.decode(**inputs)},
    "reconstruct": lambda model, inputs: {"image": model.reconstruct(**inputs)},
    "elbo": lambda model, inputs: _scores(
        model.elbo(**inputs), model, "elbo", "elbo_bits_per_dim"
    ),
}
"""The outputs of each signature, by the model's own methods."""
