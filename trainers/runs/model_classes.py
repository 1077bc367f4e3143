"""The models that a config can name."""

import inspect
import math
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.datasets import degradation

DEFAULT = "GatedPixelCNN"
"""Of configs that name none."""

NAMES = (DEFAULT, "PixelCNN", "PixelCNNPlusPlus", "PixelRNN", "PyramidPixelCNN")
"""Public names of `keras_pixelcnn`."""

_SET_BY_DATA = {"image_shape", "num_levels"}


def name_of(config: Mapping[str, Any]) -> str:
    """Returns the class that a config names; the oldest configs name none."""
    return config.get("model_class", DEFAULT)


def find(name: Any, names: tuple[str, ...] = NAMES) -> type[Any]:
    """Returns the class of that name.

    Raises:
        ValueError: when there is none.
    """
    if name not in names:
        raise ValueError(
            f"config.model_class must be one of {names}. Received: {name!r}"
        )
    return getattr(kp, name)


def arguments_of(name: str, names: tuple[str, ...] = NAMES) -> set[str]:
    """Returns the arguments that a config can give a class: those not set by data.

    Raises:
        ValueError: when there is no such class.
    """
    return set(inspect.signature(find(name, names)).parameters) - _SET_BY_DATA


def arguments_for(
    config: Mapping[str, Any], image_shape: tuple[int, int, int]
) -> dict[str, Any]:
    """Returns the arguments that a config gives its model of images of a shape.

    Raises:
        ValueError: when its task cannot take such images.
    """
    if config.get("task") is None:
        return dict(config["model"])
    task = degradation.get(config["task"])
    return {**config["model"], "spatial_shape": task.spatial_shape(image_shape)}


def count_parameters(
    name: str, image_shape: tuple[int, int, int], num_levels: int, **arguments: Any
) -> int:
    """Returns the trainable numbers of a model, which is wired and not made.

    Raises:
        ValueError: when there is no such class, or an argument is out of its range.
    """
    with tf.Graph().as_default():
        model = find(name)(image_shape, num_levels, **arguments)
        return sum(math.prod(weight.shape) for weight in model.trainable_variables)
