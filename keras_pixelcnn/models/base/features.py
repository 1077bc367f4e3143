"""Named tensors that lead with the batch: what a model's graphs are given."""

from collections.abc import Iterable
from typing import Any

import tensorflow as tf

REQUEST = (
    "seed",
    "noise",
    "temperature",
    "top_p",
    "guidance_scale",
    "image",
    "mask",
)
"""What a request for images may hold beside conditions."""


def feature_specs(
    model: Any, names: Iterable[str], batch_size: int | None = None
) -> dict[str, tf.TensorSpec]:
    """Types and shapes of features by name.

    Args:
        model: an `AutoregressiveImageModel`.
        names: of `REQUEST`, and of the model's inputs.
        batch_size: of all of them. Default: any.
    """
    shape = [None, *model.image_shape]
    specs = {
        "seed": tf.TensorSpec([None], tf.int64),
        "noise": tf.TensorSpec(shape, tf.float32),
        "temperature": tf.TensorSpec([None], tf.float32),
        "top_p": tf.TensorSpec([None], tf.float32),
        "guidance_scale": tf.TensorSpec([None], tf.float32),
        "image": tf.TensorSpec(shape, tf.int32),
        "mask": tf.TensorSpec(shape, tf.bool),
        **model.conditions.tensor_specs(with_presence=True),
    }
    return {
        name: tf.TensorSpec([batch_size, *specs[name].shape[1:]], specs[name].dtype)
        for name in names
    }


def at_least_one(batch: tf.Tensor) -> tf.Tensor:
    """Gives an empty batch a row of ones, since some kernels refuse it."""
    if batch.shape[0]:
        return batch
    missing = tf.maximum(1 - tf.shape(batch)[0], 0)
    padding = tf.ones(tf.concat([[missing], tf.shape(batch)[1:]], 0), batch.dtype)
    return tf.concat([batch, tf.ensure_shape(padding, [None, *batch.shape[1:]])], 0)
