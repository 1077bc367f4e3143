"""ImageEncoder: a convolutional network from an image to a vector."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn.checks import Shape

_SMALLEST = 4
"""Sides are halved until the longer one is no more than this."""


def halved_sizes(image_size: Sequence[int]) -> list[tuple[int, int]]:
    """Sizes from an image down to what a dense layer takes, each half the one before.

    Args:
        image_size: (height, width).

    Returns:
        (height, width) of each, the image's first; odd sides are rounded up.
    """
    height, width = image_size
    sizes = [(height, width)]
    while max(sizes[-1]) > _SMALLEST:
        height, width = -(-height // 2), -(-width // 2)
        sizes.append((height, width))
    return sizes


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class ImageEncoder(keras.layers.Layer):
    """Strided convolutions to a small map, and a dense layer to a vector.

    The encoder of both auto-encoders: nothing is masked, and nothing looks at another
    image of the batch.

    Args:
        units: length of the vector.
        num_levels: pixel values are integers in [0, num_levels).
        filters: features at the image's size; twice as many at each half of it.
            Default 32.

    Call arguments:
        inputs: integers in [0, num_levels), (batch, height, width, channels).

    Returns:
        float32 tensor (batch, units), under any policy.

    References:
        van den Oord et al. 2016, arXiv 1606.05328, sections 2.4 and 3.4, which leave
        the encoder open.
    """

    def __init__(
        self, units: int, num_levels: int, filters: int = 32, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.num_levels = num_levels
        self.filters = filters
        self.convolutions: list[keras.layers.Layer] = []
        self.flatten = keras.layers.Flatten(data_format="channels_last")
        # The vector is what users keep, and what a likelihood is conditioned on.
        self.dense = keras.layers.Dense(units, dtype="float32", name="dense")

    def build(self, input_shape: Shape) -> None:
        """Builds as many convolutions as the image's size asks for."""
        shape = tuple(input_shape)
        for index in range(len(halved_sizes(shape[1:3]))):
            convolution = keras.layers.Conv2D(
                self.filters * 2**index,
                3,
                strides=2 if index else 1,
                padding="same",
                data_format="channels_last",
                activation="relu",
                name=f"convolution_{index}",
                dtype=self.dtype_policy,
            )
            convolution.build(shape)
            shape = convolution.compute_output_shape(shape)
            self.convolutions.append(convolution)
        self.dense.build((None, math.prod(shape[1:])))
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Encodes the images."""
        # Low precision cannot hold large levels.
        features = keras.ops.cast(inputs, "float32") * (2 / (self.num_levels - 1)) - 1
        features = keras.ops.cast(features, self.compute_dtype)
        for convolution in self.convolutions:
            features = convolution(features)
        return self.dense(self.flatten(features))

    def multiply_adds(self, input_shape: Shape) -> int:
        """Counts the multiply-adds of one image.

        Args:
            input_shape: (batch, height, width, channels); the batch does not count.
        """
        total, shape = math.prod(self.dense.kernel.shape), tuple(input_shape)
        for convolution in self.convolutions:
            shape = convolution.compute_output_shape(shape)
            total += shape[1] * shape[2] * math.prod(convolution.kernel.shape)
        return total

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "num_levels": self.num_levels,
            "filters": self.filters,
        }
