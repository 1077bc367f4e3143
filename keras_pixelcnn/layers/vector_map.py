"""VectorMap: a vector becomes a map of the image's size; and where a pixel is."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn.checks import Shape
from keras_pixelcnn.layers.spatial_upsampling import SpatialUpsampling

_HIGHEST_FREQUENCY = 3

NUM_POSITION_FEATURES = 9
"""How many features `position_features` gives."""


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class VectorMap(keras.layers.Layer):
    """Maps a vector to what it means at each pixel: s = m(h).

    A dense layer to a map of a quarter of the image's sides, and `SpatialUpsampling`.

    Args:
        image_size: (height, width) to reach.
        filters: features of every layer.

    Call arguments:
        inputs: float tensor (batch, d).

    Returns:
        Float tensor (batch, height, width, filters), not negative.

    References:
        van den Oord et al. 2016, arXiv 1606.05328, section 2.3, equation 5.
    """

    def __init__(
        self, image_size: tuple[int, int], filters: int, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.image_size = tuple(image_size)
        self.filters = filters
        small = (math.ceil(side / 4) for side in self.image_size)
        self._small_shape = (*small, filters)
        self.dense = keras.layers.Dense(
            math.prod(self._small_shape),
            activation="relu",
            name="dense",
            dtype=self.dtype_policy,
        )
        self.upsampling = SpatialUpsampling(
            image_size, filters, name="upsampling", dtype=self.dtype_policy
        )

    def build(self, input_shape: Shape) -> None:
        """Builds both layers."""
        self.dense.build(tuple(input_shape))
        self.upsampling.build((None, *self._small_shape))
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Brings the vectors to the image's size."""
        small = tf.reshape(self.dense(inputs), [-1, *self._small_shape])
        return self.upsampling(small)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        """Returns (batch, height, width, filters)."""
        return (input_shape[0], *self.image_size, self.filters)

    def multiply_adds(self) -> int:
        """Counts the multiply-adds of one vector; the layer must be built."""
        dense = math.prod(self.dense.kernel.shape)
        return dense + self.upsampling.multiply_adds((None, *self._small_shape))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "image_size": self.image_size,
            "filters": self.filters,
        }


def position_features(image_size: tuple[int, int]) -> np.ndarray:
    """Tells where each pixel is, by the smoothest cosine waves over the image.

    Products of cos(pi k r) and cos(pi j c), where r and c are the pixel's row and
    column from 0 to 1, for 1 <= k + j <= 3. They tell the sides and the middle apart,
    and are the same for images of any size.

    Args:
        image_size: (height, width).

    Returns:
        float32 (height, width, 9), values in [-1, 1].
    """
    rows, columns = (
        [
            np.cos(np.pi * frequency * (np.arange(side) + 0.5) / side)
            for frequency in range(_HIGHEST_FREQUENCY + 1)
        ]
        for side in image_size
    )
    waves = [
        np.outer(row, column)
        for k, row in enumerate(rows)
        for j, column in enumerate(columns)
        if 1 <= k + j <= _HIGHEST_FREQUENCY
    ]
    return np.stack(waves, axis=-1).astype(np.float32)
