"""The metadata of an export, as one JSON document."""

import importlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from keras_pixelcnn.checks import check_integer, check_number
from keras_pixelcnn.export.signature import (
    Signature,
    Tensors,
    batch_of,
    condition_specs,
    make_signature,
)

if TYPE_CHECKING:
    from keras_pixelcnn.models import ImageModel

FORMAT_VERSION = 1
"""Rises when a field changes its meaning or goes."""


def metadata_document(
    model: "ImageModel",
    label_names: Sequence[str] | None = None,
    bits_per_dim: float | None = None,
    max_batch_size: int | None = None,
) -> dict[str, Any]:
    """Makes the document, of what JSON can hold, but for the signatures.

    Args:
        model: an `AutoregressiveImageModel`, or an auto-encoder.
        label_names: what the labels are called. Default: the model's own.
        bits_per_dim: of data that the model was not trained on. Default: not said.
        max_batch_size: most rows of a request. Default: not said.

    Raises:
        ValueError: when the names or a number cannot be right.
    """
    if label_names is None:
        label_names = model.conditions.label_names
    if label_names:
        label_names = [*model.conditions.check_label_names(label_names)]
    if bits_per_dim is not None:
        rule = "a finite number of at least 0"
        bits_per_dim = check_number(
            "bits_per_dim", bits_per_dim, rule, lambda bits: 0 <= bits < math.inf
        )
    if max_batch_size is not None:
        max_batch_size = check_integer("max_batch_size", max_batch_size)
    described = {
        name: {"dtype": spec.dtype.name, "shape": spec.shape.as_list()[1:]}
        for name, spec in condition_specs(model).items()
    }
    if "label" in described:
        described["label"]["num_classes"] = model.conditions.num_classes
    if "caption" in described:  # the numbers of its words are their places here
        text = model.conditions.caption_text
        described["caption"] |= {"words": text.words, "is_plain": text.is_plain}
    return {
        "format_version": FORMAT_VERSION,
        "package": "keras_pixelcnn",
        "package_version": importlib.import_module("keras_pixelcnn").__version__,
        "tensorflow_version": tf.__version__,
        "model": type(model).__name__,
        "num_parameters": model.count_params(),
        "image_shape": list(model.image_shape),
        "num_levels": model.num_levels,
        **({"latent_dim": model.latent_dim} if hasattr(model, "latent_dim") else {}),
        "conditions": described,
        "conditions_optional": model.conditions.optional,
        "label_names": label_names or None,
        "bits_per_dim": bits_per_dim,
        "max_batch_size": max_batch_size,
    }


def metadata_signature(document: Mapping[str, Any]) -> Signature:
    """Makes the signature `metadata`; see `signatures`."""
    text = json.dumps(document)

    def metadata(inputs: Tensors) -> Tensors:
        return {"metadata": tf.fill(tf.shape(inputs["row"]), text)}

    return make_signature(metadata, {"row": batch_of(dtype=tf.int32)})
