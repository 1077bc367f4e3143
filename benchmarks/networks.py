"""The networks that are measured, and images for them."""

import math
from typing import Any

import tensorflow as tf

import keras_pixelcnn as kp

MODELS = {
    "28x28x1": {"filters": 32, "num_blocks": 8, "kernel_size": 5},
    "32x32x3": {"filters": 60, "num_blocks": 8, "kernel_size": 3},
}
"""Arguments of the models, by the images' size; all have 256 levels."""


def image_shape(name: str) -> tuple[int, int, int]:
    """Height, width and channels of a key of `MODELS`."""
    height, width, channels = name.split("x")
    return int(height), int(width), int(channels)


def new_model(name: str, **arguments: Any) -> kp.GatedPixelCNN:
    """A fresh model.

    Args:
        name: a key of `MODELS`.
        **arguments: of `GatedPixelCNN`, beside those in `MODELS`.
    """
    return kp.GatedPixelCNN(image_shape(name), **MODELS[name], **arguments)


def random_images(name: str, batch_size: int) -> tf.Tensor:
    """Uniform random images: int32 (batch_size, height, width, channels)."""
    return tf.random.stateless_uniform(
        [batch_size, *image_shape(name)], [1, 2], maxval=256, dtype=tf.int32
    )


def num_parameters(weights: list[Any]) -> int:
    """How many numbers weights hold together."""
    return sum(math.prod(weight.shape) for weight in weights)
