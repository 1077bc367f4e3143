"""Images and their identities: arrays checked, batches of all kinds alike."""

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn.image_checks import check_images

_RULE = (
    "label must hold an identity for each image: integers of at least 0, of shape "
    "(batch,) or (batch, 1)."
)


class HeldBatches(keras.utils.PyDataset):
    """Batches of a generator, kept: validation reads them again after each epoch.

    Keras takes their end for what it is, where of a generator it warns.

    Args:
        batches: at least one, each a tuple as Keras takes it.

    Raises:
        ValueError: when there are none.
    """

    def __init__(self, batches: Iterator[tuple[Any, ...]]) -> None:
        super().__init__()
        self._batches = list(batches)
        if not self._batches:
            raise ValueError(
                "A generator must give a batch. Received: one at its end. Make a new "
                "one for each call."
            )

    def __len__(self) -> int:
        """How many batches there are."""
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        """One batch, as it came."""
        return self._batches[index]


def checked(
    x: Any, y: Any, num_levels: int, image_shape: tuple[int, int, int]
) -> tuple[Any, Any]:
    """Arrays are checked; data sets and generators become what Keras's steps take.

    Args:
        x: images, {"image", "label"}, or batches of these.
        y: the labels, where they stand beside x.
        num_levels: values of a pixel.
        image_shape: (height, width, channels) of an image.

    Returns:
        x and y for Keras's loops. Arrays of images are integers (n, height, width,
        channels), with int64 labels (n,) as y; data sets and generators give such
        pairs, of data sets the pixels unseen.

    Raises:
        ValueError: when arrays hold no images, or something else than integers in
            [0, num_levels) of that shape with an identity each; when a data set says
            already that its labels are none. A generator raises at its batch.
    """

    def check(batch: Any) -> tuple[np.ndarray, np.ndarray]:
        image, label = image_and_label(batch)
        image = check_images(image, num_levels, image_shape=image_shape)
        if not len(image):
            raise ValueError(f"There must be an image. Received shape: {image.shape}")
        return image, _check_label_array(label, len(image))

    if isinstance(x, tf.data.Dataset):
        # Only what the model takes: XLA cannot compile steps that get strings.
        convert = tf.autograph.experimental.do_not_convert
        return x.map(convert(lambda *batch: _check_tensors(batch))), y
    if isinstance(x, Iterator):  # of which Keras takes generators of tuples alone
        return (check(batch) for batch in x), y
    if isinstance(x, Mapping | list | tuple | None) or hasattr(x, "__array__"):
        return check((x, y))
    return x, y


def image_of(inputs: Any) -> Any:
    """The images of a dict, or images as they came.

    Raises:
        ValueError: when the dict has none.
    """
    if not isinstance(inputs, Mapping):
        return inputs
    if "image" not in inputs:
        raise ValueError(
            'The model takes images, or a dict with them as "image". '
            f"Received: a dict of {list(inputs)}"
        )
    return inputs["image"]


def image_and_label(data: Any) -> tuple[Any, Any]:
    """The parts of a batch of {"image", "label"}, or of an (image, label) pair.

    Raises:
        ValueError: when there are no images or no labels, or weights of examples.
    """
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    refuse_weights(sample_weight)
    if isinstance(x, Mapping) and y is None:
        y = x.get("label")
    image = image_of(x)
    if y is None:
        raise ValueError(
            'The triplet loss needs an identity for each image, as "label" beside '
            '"image". Received: images alone'
        )
    return image, y


def refuse_weights(sample_weight: Any) -> None:
    """Refuses weights of examples.

    Raises:
        ValueError: when there are any.
    """
    if sample_weight is not None:
        raise ValueError("sample_weight is not supported: all triplets count alike.")


def check_label_tensor(label: Any) -> tf.Tensor:
    """Checks what a graph knows of a batch's labels, and makes a column a vector.

    Args:
        label: integers (batch,) or (batch, 1).

    Returns:
        The same (batch,).

    Raises:
        ValueError: when the type or the shape is another.
    """
    label = tf.convert_to_tensor(label)
    rank = label.shape.rank
    is_column = rank == 2 and label.shape[1] == 1
    if rank is None or is_column:  # Keras retraces a step that saw both without a rank
        label, rank = tf.reshape(label, [-1]), 1
    if rank != 1 or not label.dtype.is_integer:
        raise ValueError(
            f"{_RULE} Received: labels of shape {label.shape} and type "
            f"{label.dtype.name}"
        )
    return label


def _check_tensors(batch: Any) -> tuple[tf.Tensor, tf.Tensor]:
    image, label = image_and_label(batch)
    return image, check_label_tensor(label)


def _check_label_array(label: Any, count: int) -> np.ndarray:
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
