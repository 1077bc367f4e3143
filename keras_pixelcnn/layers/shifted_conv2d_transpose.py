"""The transposed convolutions of PixelCNN++, from half the resolution to the whole."""

import math
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn.checks import Shape, sizes_of
from keras_pixelcnn.layers.shifted_conv2d import KERNEL_SIZES, BaseShiftedConv2D


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class ShiftedConv2DTranspose(BaseShiftedConv2D):
    """Doubles the rows and columns that a `ShiftedConv2D` of stride 2 has halved.

    Args:
        filters: number of output features.
        direction: "down" or "down_right", that of the features.
        size: (height, width) of the output: twice the input's, or one less where that
            was rounded up.
        use_bias: whether a bias is added. Default True.
        kernel_initializer: default "glorot_uniform".

    Call arguments:
        inputs: float tensor (batch, rows, columns, features).

    Returns:
        Float tensor (batch, height, width, filters).

    References:
        Salimans et al. 2017, arXiv 1701.05517, section 2.3.
    """

    def __init__(
        self, filters: int, direction: str, size: tuple[int, int], **kwargs: Any
    ) -> None:
        super().__init__(filters, direction, **kwargs)
        self.size = tuple(size)

    def build(self, input_shape: Shape) -> None:
        """Creates the kernel."""
        kernel_size = KERNEL_SIZES[self.direction]
        self._add_weights((*kernel_size, self.filters, input_shape[-1]))
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Runs all pixels at once."""
        rows, columns = inputs.shape[1:3]
        full_width = 2 * (columns - 1) + self.kernel.shape[1]
        outputs = tf.nn.conv2d_transpose(
            inputs,
            tf.convert_to_tensor(self.kernel),
            [tf.shape(inputs)[0], 2 * rows, full_width, self.filters],
            strides=2,
            padding="VALID",
        )
        height, width = self.size
        left = self._left
        return self._add_bias(outputs[:, :height, left : left + width])

    @property
    def _left(self) -> int:
        """Columns that are cropped at the left: none may be at the right."""
        return 1 if self.direction == "down" else 0

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Returns the shape of the size asked for."""
        return (input_shape[0], *self.size, self.filters)

    def multiply_adds(self, input_shape: Shape) -> int:
        """Counts the multiply-adds of one image, every tap at every input.

        Args:
            input_shape: (batch, rows, columns, features); the batch does not count.
        """
        return math.prod(input_shape[1:3]) * math.prod(self.kernel.shape)

    def steps(self) -> "ShiftedConvTransposeSteps":
        """Returns the layer's row and pixel steps, with the weights as they stand."""
        return ShiftedConvTransposeSteps(self)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "size": self.size}


class ShiftedConvTransposeSteps:
    """`ShiftedConv2DTranspose` for one row, or one pixel, of its input.

    Args:
        layer: a built layer, whose weights are read once.
    """

    def __init__(self, layer: ShiftedConv2DTranspose) -> None:
        self._kernel = tf.cast(layer.kernel.value, layer.compute_dtype)
        self._bias = tf.zeros([layer.filters], layer.compute_dtype)
        if layer.bias is not None:
            self._bias = tf.cast(layer.bias.value, layer.compute_dtype)
        self._width, self._left = layer.size[1], layer._left

    def row(self, row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes both output rows of an input row.

        Args:
            row: (slices, columns, examples, features).

        Returns:
            The upper and the lower row, each (slices, width, examples, filters).
        """
        _, columns, filters, features = self._kernel.shape
        # One after the other as features, to be split.
        kernel = tf.transpose(self._kernel, [1, 0, 2, 3])
        kernel = tf.reshape(kernel, [columns, 1, 2 * filters, features])
        slices, width, examples, _ = sizes_of(row)
        outputs = tf.nn.conv2d_transpose(
            row,
            kernel,
            [slices, 2 * (width - 1) + columns, examples, 2 * filters],
            strides=[2, 1],
            padding="VALID",
        )[:, self._left : self._left + self._width]
        upper, lower = tf.split(outputs, 2, axis=-1)
        return upper + self._bias, lower + self._bias

    def pixel(self, own: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes both outputs in the upper row, of direction "down_right".

        Args:
            own: (examples, features).

        Returns:
            The left and the right output, each (examples, filters).
        """
        left, right = (
            tf.matmul(own, self._kernel[0, column], transpose_b=True) + self._bias
            for column in range(2)
        )
        return left, right
