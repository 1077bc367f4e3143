"""CoarseContext: an unmasked network over coarse pixels, as a map for those between."""

import math
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn.checks import Shape


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class CoarseContext(keras.layers.Layer):
    """Makes a map from the pixels of one lattice for those that lie between them.

    Residual blocks of 3 x 3 convolutions run over the coarse pixels. Nothing is masked:
    all of them are known beforehand. A channel of ones tells where the image ends. A
    place of the map is for the pixel to the right of the coarse one, or below it.

    Args:
        map_size: (height, width) of the map, as large as the coarse image, or a row or
            a column less.
        filters: features of every layer. Default 32.
        num_blocks: number of residual blocks, of two convolutions each. Default 2.

    Call arguments:
        inputs: the coarse pixels, encoded: floats (batch, h, w, features).

    Returns:
        Float tensor (batch, height, width, filters): a spatial condition.

    References:
        van den Oord et al. 2016, arXiv 1606.05328, section 2.3, equation 5; the
        residual blocks: He et al. 2016, arXiv 1603.05027.
    """

    def __init__(
        self,
        map_size: tuple[int, int],
        filters: int = 32,
        num_blocks: int = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.map_size = tuple(map_size)
        self.filters = filters
        self.num_blocks = num_blocks
        # One flat list, as Keras saves no lists of lists: the first, then two a block.
        self.convolutions = [
            keras.layers.Conv2D(
                filters,
                3,
                padding="same",
                data_format="channels_last",
                dtype=self.dtype_policy,
                name=f"convolution_{index}",
            )
            for index in range(1 + 2 * num_blocks)
        ]

    def build(self, input_shape: Shape) -> None:
        """Builds the convolutions."""
        *size, features = input_shape
        first, *others = self.convolutions
        first.build((*size, features + 1))
        for layer in others:
            layer.build((*size, self.filters))
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Runs the network over whole batches."""
        ones = tf.ones_like(inputs[..., :1])
        first, *others = self.convolutions
        features = first(tf.concat([inputs, ones], axis=-1))
        for inner, outer in zip(others[::2], others[1::2], strict=True):
            features += outer(tf.nn.relu(inner(tf.nn.relu(features))))
        height, width = self.map_size
        return tf.nn.relu(features[:, :height, :width])

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        """Returns (batch, height, width, filters)."""
        return (input_shape[0], *self.map_size, self.filters)

    def multiply_adds(self, input_shape: Shape) -> int:
        """Counts the multiply-adds of one image, each tap at each coarse pixel.

        Args:
            input_shape: of the coarse image, the batch first, which does not count.
        """
        weights = sum(math.prod(layer.kernel.shape) for layer in self.convolutions)
        return math.prod(input_shape[1:3]) * weights

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "map_size": self.map_size,
            "filters": self.filters,
            "num_blocks": self.num_blocks,
        }
