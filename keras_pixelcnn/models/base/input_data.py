"""Data of any kind, made into batches of what a model and its loss take."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from keras_pixelcnn.checks import (
    as_array,
    as_array_or_none,
    check_integer,
    checked,
    of_known_shape,
)
from keras_pixelcnn.models.base import fit_step

if TYPE_CHECKING:
    from keras_pixelcnn.models.base.image_model import ImageModel

Prepare = Callable[[Any, Any], dict[str, Any]]
"""Maps images, or a dict with them, and what stands beside them to checked features."""


class HeldBatches(keras.utils.PyDataset):
    """The batches of a generator, kept: validation reads them again after each epoch.

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
        """Returns the number of batches."""
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        """Returns one batch, as it came."""
        return self._batches[index]


class _PreparedBatches(keras.utils.PyDataset):
    """The batches of another `PyDataset`, prepared one by one."""

    def __init__(self, batches: keras.utils.PyDataset, prepare: Prepare) -> None:
        super().__init__(
            workers=batches.workers,
            use_multiprocessing=batches.use_multiprocessing,
            max_queue_size=batches.max_queue_size,
        )
        self._batches, self._prepare = batches, prepare

    @property
    def num_batches(self) -> int | None:
        """Number of batches, None where they have no end."""
        return self._batches.num_batches

    def __getitem__(self, index: int) -> tuple[dict[str, Any]]:
        """Prepares one batch."""
        return (self._prepare(*split(self._batches[index])),)

    def on_epoch_begin(self) -> None:
        """Tells the other of it."""
        self._batches.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """Tells the other of it."""
        self._batches.on_epoch_end()


def prepared(x: Any, y: Any, prepare: Prepare, holds_generators: bool = False) -> Any:
    """Makes data of any kind into what Keras's loops take, each batch checked once.

    Args:
        x: images, a dict with them, or a data set or generator of batches.
        y: what stands beside images, or None.
        prepare: checks a batch; arrays are one.
        holds_generators: whether the batches of generators are kept in memory, so that
            they can be read again. Default False.

    Returns:
        A dict of features, or a data set or generator of such dicts. What this module
        does not know is returned as it came.
    """
    if isinstance(x, tf.data.Dataset):
        # Only what the model takes: XLA cannot compile steps that get strings.
        convert = tf.autograph.experimental.do_not_convert
        return x.map(convert(lambda *batch: (prepare(*split(batch)),)))
    if isinstance(x, keras.utils.PyDataset):
        return _PreparedBatches(x, prepare)
    if isinstance(x, Iterator):  # of which Keras takes generators of tuples alone
        batches = ((prepare(*split(batch)),) for batch in x)
        return HeldBatches(batches) if holds_generators else batches
    tensors = tf.RaggedTensor | tf.SparseTensor
    if isinstance(x, Mapping | list | tuple | tensors | None) or hasattr(
        x, "__array__"
    ):
        features = prepare(x, y)
        if features["image"].shape[0] == 0:  # of which Keras makes nothing, or an error
            raise ValueError("There must be at least one image. Received: none")
        return features
    return x


def are_single_images(data: Any, image_shape: tuple[int, int, int]) -> bool:
    """Tells whether data are a list of images, and not the list [x, y] of Keras's."""
    if not isinstance(data, list):
        return False
    arrays = [x if hasattr(x, "shape") else as_array_or_none(x) for x in data]
    shapes = [None if array is None else tuple(array.shape) for array in arrays]
    return all(shape in (image_shape, image_shape[:2]) for shape in shapes)


def split(batch: Any) -> tuple[Any, Any]:
    """Splits a batch of Keras's into images and what stands beside them.

    Raises:
        ValueError: when it has weights of examples.
    """
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
    refuse_weights(sample_weight)
    return x, y


def refuse_weights(*weights: Any) -> None:
    """Refuses weights of examples and of classes.

    Raises:
        ValueError: when there are any.
    """
    if any(weight is not None for weight in weights):
        raise ValueError(
            "sample_weight and class_weight are not supported: all images count alike. "
            "Repeat or leave out images in the data."
        )


def as_dict(inputs: Any) -> Mapping[str, Any]:
    """Returns a dict with images as "image", or images as such a dict.

    Raises:
        ValueError: when it is a dict without images.
    """
    if not isinstance(inputs, Mapping):
        return {"image": inputs}
    if "image" not in inputs:
        raise ValueError(
            'The model takes images, or a dict with them as "image". '
            f"Received: a dict of {list(inputs)}"
        )
    return inputs


def some_images(batch: Any) -> dict[str, Any]:
    """Returns the features of a batch, once the graph has seen that it is not empty.

    The mean of no images is no number, and oneDNN's convolutions refuse an empty batch
    by a sentence about channels. On several replicas, one may have no images.

    Args:
        batch: images, or a mapping that holds them as "image".

    Returns:
        The features; a run raises `InvalidArgumentError` when there are no images.
    """
    features = dict(as_dict(batch))
    image = features["image"]
    if not image.shape[0] and not fit_step.is_on_replicas():
        count = tf.shape(image)[:1]
        rule = "A batch must have at least one image: Dataset.filter drops empty ones."
        features["image"] = checked(count > 0, image, rule, shown=count)
    return features


def with_label(x: Any, y: Any) -> Any:
    """Puts labels that stand beside images among the inputs, a column as a vector."""
    if y is None:
        return x
    shape = tf.TensorShape(getattr(y, "shape", None))
    if shape.rank == 2 and shape[1] == 1:
        y = y[:, 0]  # a column, as many data sets have it
    x = as_dict(x)
    return x if "label" in x else {**x, "label": y}


def num_images(image: Any) -> Any:
    """Returns the number of images of a batch, as far as it is known."""
    known = tf.TensorShape(image.shape).rank is not None and image.shape[0]
    return known or (
        keras.ops.shape(image)[0]
        if isinstance(image, keras.KerasTensor)
        else tf.shape(image)[0]
    )


def with_all_axes(
    image: Any, image_shape: tuple[int, int, int], num_levels: int
) -> Any:
    """Gives grey images their channel axis where data sets leave it out.

    Args:
        image: a batch of images, or what makes an array of them.
        image_shape: (height, width, channels) of the model.
        num_levels: of the model.

    Returns:
        An array or a tensor; of the model's shape where the graph does not know one: a
        run raises `InvalidArgumentError` when it is another.

    Raises:
        ValueError: when it makes no array.
    """
    is_dense = not isinstance(image, tf.RaggedTensor | tf.SparseTensor)
    if getattr(image, "shape", None) is None or not is_dense:
        image = as_array(image, num_levels)
    shape = tf.TensorShape(image.shape)
    # As Python functions and decoders of files leave it in data sets.
    if shape.rank is None or not shape[1:].is_fully_defined():
        grey = [image_shape[:2]] if image_shape[2] == 1 else []
        return of_known_shape("`image`", image, image_shape, *grey)
    if shape.rank == 3 and (*shape[1:], 1) == image_shape:
        is_symbolic = isinstance(image, keras.KerasTensor)
        return keras.ops.expand_dims(image, -1) if is_symbolic else image[..., None]
    return image


def in_passes(
    model: "ImageModel",
    key: tuple[Any, ...],
    function: Callable[[Mapping[str, tf.Tensor]], tf.Tensor],
    features: Mapping[str, tf.Tensor],
    batch_size: int,
) -> tf.Tensor:
    """Runs the graph of a function on so many examples at a time.

    Args:
        model: keeps the graph; see `ImageModel.run_graph`.
        key: as there.
        function: of a dict of features, to one tensor that leads with the batch.
        features: "image" and others that lead with the batch, eager or symbolic.
        batch_size: examples in a pass.

    Raises:
        ValueError: when batch_size is no integer of at least 1.
    """
    check_integer("batch_size", batch_size)
    if not tf.executing_eagerly():
        return function(features)
    parts = []
    for i in range(0, max(len(features["image"]), 1), batch_size):
        part = {name: value[i : i + batch_size] for name, value in features.items()}
        parts.append(model.run_graph(key, function, part))
    return tf.concat(parts, axis=0)
