"""CoarseContext: an unmasked network over a coarse image, as a map of the next size."""

import math
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn.checks import Shape


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class CoarseContext(keras.layers.Layer):
    """Makes a map from a coarse image, for the pixels of the one of twice its size.

    Residual blocks of 3 x 3 convolutions run at the coarse size; a transposed
    convolution of stride 2 then makes a map of the fine size, whose kernel has weights
    of its own for the pixels of the coarse image and for each kind of pixel between
    them. Nothing is masked: all of the coarse image is known beforehand. A channel of
    ones tells where the image ends.

    Args:
        image_size: (height, width) of the fine image.
        filters: features of every layer. Default 32.
        num_blocks: number of residual blocks, of two convolutions each. Default 2.

    Call arguments:
        inputs: the encoded coarse image, floats (batch, ceil(height / 2), ceil(width /
            2), features).

    Returns:
        Float tensor (batch, height, width, filters): a spatial condition.

    References:
        van den Oord et al. 2016, arXiv 1606.05328, section 2.3, equation 5; the
        residual blocks: He et al. 2016, arXiv 1603.05027.
    """

    def __init__(
        self,
        image_size: tuple[int, int],
        filters: int = 32,
        num_blocks: int = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.image_size = tuple(image_size)
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
        self.upsampling = keras.layers.Conv2DTranspose(
            filters,
            4,
            2,
            padding="same",
            data_format="channels_last",
            dtype=self.dtype_policy,
            name="upsampling",
        )

    def build(self, input_shape: Shape) -> None:
        """Builds the convolutions."""
        batch, height, width, features = input_shape
        inner = (batch, height, width, self.filters)
        first, *others = self.convolutions
        first.build((batch, height, width, features + 1))
        for layer in (*others, self.upsampling):
            layer.build(inner)
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Runs the network over whole coarse images."""
        ones = tf.ones_like(inputs[..., :1])
        first, *others = self.convolutions
        features = first(tf.concat([inputs, ones], axis=-1))
        for inner, outer in zip(others[::2], others[1::2], strict=True):
            features += outer(tf.nn.relu(inner(tf.nn.relu(features))))
        height, width = self.image_size
        return self.upsampling(tf.nn.relu(features))[:, :height, :width]

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        """Returns (batch, height, width, filters)."""
        return (input_shape[0], *self.image_size, self.filters)

    def multiply_adds(self, input_shape: Shape) -> int:
        """Counts the multiply-adds of one image, each tap at each coarse pixel.

        Args:
            input_shape: of the coarse image, the batch first, which does not count.
        """
        layers = (*self.convolutions, self.upsampling)
        weights = sum(math.prod(layer.kernel.shape) for layer in layers)
        return math.prod(input_shape[1:3]) * weights

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "image_size": self.image_size,
            "filters": self.filters,
            "num_blocks": self.num_blocks,
        }


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class CoarsePixelsFirst(keras.layers.Layer):
    """Puts the features of a coarse image's pixels in their places in the fine one.

    Call arguments:
        coarse: floats (batch, ceil(height / 2), ceil(width / 2), n).
        fine: floats (batch, height, width, n), whose every second row and column, from
            the first, are left aside.

    Returns:
        Floats (batch, height, width, n).
    """

    def call(self, coarse: tf.Tensor, fine: tf.Tensor) -> tf.Tensor:
        """Joins whole batches."""
        size = fine.shape[1:3]
        return tf.where(coarse_mask(*size), spread(coarse, *size), fine)


def coarse_mask(height: int, width: int) -> tf.Tensor:
    """Tells which pixels are of the coarse image: bool (height, width, 1)."""
    rows, columns = tf.range(height) % 2 == 0, tf.range(width) % 2 == 0
    return (rows[:, tf.newaxis] & columns)[..., tf.newaxis]


def spread(coarse: Any, height: int, width: int) -> Any:
    """Brings (..., h, w, n) to the next size, each pixel filling up its square."""
    fine = tf.repeat(tf.repeat(coarse, 2, axis=-3), 2, axis=-2)
    return fine[..., :height, :width, :]
