"""Outputs of the Python model for an export's requests."""

import json
import pathlib
from collections.abc import Mapping
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
    answer = _ask(model, signature, dict(request.inputs))
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


def _ask(model: Any, signature: str, inputs: Arrays) -> Mapping[str, Any]:
    """Asks the method that a signature stands for."""
    match signature:
        case "sample" | "sample_from_noise" | "complete" | "decode" | "reconstruct":
            return {"image": getattr(model, signature)(**inputs)}
        case "sample_png":
            images = model.sample(**inputs)
            return {"image_bytes": _written_pixels(images, model.num_levels)}
        case "complete_png":
            pixels = _read_pixels(inputs.pop("image_bytes"))
            white = _read_pixels(inputs.pop("mask_bytes"))[..., 0] >= 128 * 257
            images = to_levels(pixels, model.num_levels, bits=16)
            drawn = model.complete(images, white, **inputs)
            return {
                "image_bytes": _written_pixels(drawn, model.num_levels),
                "known_share": white.mean((1, 2)).astype("float32"),
            }
        case "log_prob" | "elbo":
            nats = getattr(model, signature)(**inputs)
            bits = kp.bits_per_dim(nats, model.num_dims)
            name = "elbo_bits_per_dim" if signature == "elbo" else "bits_per_dim"
            return {signature: nats, name: bits}
        case "log_prob_per_value":
            return {signature: model.log_prob(reduce=False, **inputs)}
        case "classify":
            probabilities = model.classify(**inputs)
            label = np.argmax(probabilities, axis=-1)
            return {"probabilities": probabilities, "label": label}
        case "interpolate":
            return {"image": _interpolate(model, inputs)}
        case "encode":
            return {"latent": model.encode(**inputs)}
    raise ValueError(
        "The model must have a method for each signature, to compare outputs. "
        f"Received: a signature {signature!r}"
    )


def _interpolate(model: Any, inputs: Arrays) -> tf.Tensor:
    """Interpolates embeddings, or the latents of images for an auto-encoder."""
    if "image_a" in inputs:
        a, b = (model.encode(inputs.pop(name)) for name in ("image_a", "image_b"))
        position = inputs.pop("position")[:, np.newaxis]
        return model.decode((1 - position) * a + position * b, **inputs)
    names = ("embedding_a", "embedding_b", "position", "spherical")
    given = (tf.constant(inputs.pop(name)) for name in names)
    embedding, _ = embeddings_between(*given)
    return model.sample(embedding=embedding, **inputs)
