"""SpatialUpsampling: a small map, brought to the size of an image."""

import math
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn.checks import Shape


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class SpatialUpsampling(keras.layers.Layer):
    """A small deconvolutional network: s = m(h).

    Transposed convolutions double each side until the image is covered; the last step,
    where the sizes are no powers of two apart, is a bilinear resizing. At least one
    convolution is applied; maps larger than the image are averaged after it. Nothing
    is masked: all of the map is known beforehand.

    Args:
        image_size: (height, width) to reach.
        filters: features of every layer.

    Call arguments:
        inputs: float tensor (batch, h', w', c'), of any size.

    Returns:
        Float tensor (batch, height, width, filters), not negative.

    References:
        van den Oord et al. 2016, arXiv 1606.05328, section 2.3.
    """

    def __init__(
        self, image_size: tuple[int, int], filters: int, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.image_size = tuple(image_size)
        self.filters = filters
        self.convolutions = []
        self.pooling: Any = None
        self.resizing: Any = None

    def build(self, input_shape: Shape) -> None:
        """Builds as many convolutions as the input's size asks for."""
        size = tuple(input_shape[1:3])
        doublings = [
            math.ceil(math.log2(max(whole / part, 1)))
            for whole, part in zip(self.image_size, size, strict=True)
        ]
        shape = tuple(input_shape)
        for step in range(max(1, *doublings)):
            strides = tuple(2 if step < number else 1 for number in doublings)
            convolution = keras.layers.Conv2DTranspose(
                self.filters,
                # Multiples of the stride: each output sees as many inputs as others.
                tuple(4 if stride == 2 else 3 for stride in strides),
                strides,
                padding="same",
                data_format="channels_last",
                activation="relu",
                name=f"deconvolution_{step}",
                dtype=self.dtype_policy,
            )
            convolution.build(shape)
            shape = convolution.compute_output_shape(shape)
            self.convolutions.append(convolution)
        pool = tuple(
            max(part // whole, 1)
            for whole, part in zip(self.image_size, shape[1:3], strict=True)
        )
        if max(pool) > 1:  # a resizing alone would leave out most of the map
            self.pooling = keras.layers.AveragePooling2D(
                pool,
                padding="same",
                data_format="channels_last",
                dtype=self.dtype_policy,
            )
            shape = self.pooling.compute_output_shape(shape)
        if tuple(shape[1:3]) != self.image_size:
            self.resizing = keras.layers.Resizing(
                *self.image_size, data_format="channels_last", dtype=self.dtype_policy
            )
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Brings the maps to the image's size."""
        for convolution in self.convolutions:
            inputs = convolution(inputs)
        if self.pooling is not None:
            inputs = self.pooling(inputs)
        return inputs if self.resizing is None else self.resizing(inputs)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        """Returns (batch, height, width, filters)."""
        return (input_shape[0], *self.image_size, self.filters)

    def multiply_adds(self, input_shape: Shape) -> int:
        """Counts the multiply-adds of one map, each tap at each input.

        Args:
            input_shape: (batch, h', w', c'); the batch does not count.
        """
        total, shape = 0, tuple(input_shape)
        for convolution in self.convolutions:
            _, height, width, _ = shape
            total += height * width * math.prod(convolution.kernel.shape)
            shape = convolution.compute_output_shape(shape)
        return total

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "image_size": self.image_size,
            "filters": self.filters,
        }
