"""Checks of the identities of images, the labels of the triplet loss."""

from typing import Any

import numpy as np
import tensorflow as tf

from keras_pixelcnn.checks import checked, of_known_shape, one_each

_RULE = (
    "label must hold an identity for each image: integers of at least 0, of shape "
    "(batch,) or (batch, 1)."
)


def checked_labels(label: Any, image: Any) -> Any:
    """Checks identities, and makes a column of them a vector.

    Args:
        label: integers (batch,) or (batch, 1).
        image: the images that they are of.

    Returns:
        The same (batch,): an int64 array where they are known, else a tensor.

    Raises:
        ValueError: when there are no images, or the type, the shape or a value is
            another.
    """
    if tf.is_tensor(label) and not hasattr(label, "numpy"):
        return _checked_tensor(label, tf.shape(image)[0])
    if not len(image):
        raise ValueError(f"There must be an image. Received shape: {image.shape}")
    return _checked_array(label, len(image))


def _checked_tensor(label: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    rank = label.shape.rank
    # Keras retraces a step that saw vectors and columns without a rank.
    if rank is None or (rank == 2 and label.shape[1] in (1, None)):
        label, rank = of_known_shape("label", label, (), (1,)), 1
    if rank != 1 or not label.dtype.is_integer:
        raise ValueError(
            f"{_RULE} Received: labels of shape {label.shape} and type "
            f"{label.dtype.name}"
        )
    label = one_each("label", label, (), count)
    return checked(label >= 0, label, _RULE)


def _checked_array(label: Any, count: int) -> np.ndarray:
    try:
        values = np.asarray(label)
    except ValueError as error:
        raise ValueError(f"{_RULE} Received: what makes no array: {error}") from error
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.shape != (count,) or values.dtype.kind not in "iu":
        raise ValueError(
            f"{_RULE} Received: labels of shape {np.shape(label)} and type "
            f"{values.dtype} of {count} images"
        )
    if values.min() < 0:
        raise ValueError(
            f"{_RULE} Received: {values.min()} at index {values.argmin()}; -1 stands "
            "for no identity"
        )
    return values.astype(np.int64)
