"""DeconvolutionalDecoder: from a vector to an image, all pixels at once."""

import math
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn.checks import Shape
from keras_pixelcnn.layers.image_encoder import halved_sizes


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class DeconvolutionalDecoder(keras.layers.Layer):
    """A dense layer to a small map, and transposed convolutions to the image.

    `ImageEncoder` the other way around.

    Args:
        image_shape: (height, width, channels) to reach.
        filters: features at the image's size; twice as many at each half of it.
            Default 32.

    Call arguments:
        inputs: float tensor (batch, latent_dim).

    Returns:
        float32 tensor (batch, height, width, channels) in [0, 1], under any policy.

    References:
        van den Oord et al. 2016, arXiv 1606.05328, section 3.4: the decoder of its
        baseline.
    """

    def __init__(
        self, image_shape: tuple[int, int, int], filters: int = 32, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.filters = filters
        *self._sizes, smallest = halved_sizes(image_shape[:2])
        self._top_shape = (*smallest, filters * 2 ** len(self._sizes))
        self.dense = keras.layers.Dense(
            math.prod(self._top_shape),
            activation="relu",
            name="dense",
            dtype=self.dtype_policy,
        )
        self.convolutions = [
            keras.layers.Conv2DTranspose(
                filters * 2**index,
                4,  # a multiple of the stride: each output sees as many inputs
                strides=2,
                padding="same",
                data_format="channels_last",
                activation="relu",
                name=f"deconvolution_{index}",
                dtype=self.dtype_policy,
            )
            for index in reversed(range(len(self._sizes)))
        ]
        self.pixels = keras.layers.Conv2D(
            self.image_shape[-1],
            3,
            padding="same",
            data_format="channels_last",
            activation="sigmoid",
            name="pixels",
            dtype="float32",
        )

    def build(self, input_shape: Shape) -> None:
        """Builds all layers."""
        self.dense.build(tuple(input_shape))
        features = self._top_shape[-1]
        for convolution in self.convolutions:
            convolution.build((None, None, None, features))
            features = convolution.filters
        self.pixels.build((None, *self.image_shape[:2], features))
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Decodes the vectors."""
        features = keras.ops.reshape(self.dense(inputs), (-1, *self._top_shape))
        sizes = reversed(self._sizes)
        for convolution, (height, width) in zip(self.convolutions, sizes, strict=True):
            features = convolution(features)[:, :height, :width]
        return self.pixels(features)

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        """Returns symbolic images."""
        return keras.KerasTensor((inputs.shape[0], *self.image_shape), "float32")

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "filters": self.filters,
        }
