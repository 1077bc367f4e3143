"""Convolutions of PixelCNN++: shifted by padding and cropping, with strides.

Two directions, for two streams of features; x is the output's own place. Nothing is
multiplied by the zero of a mask.

    "down"  B: o o o    A: o o o       "down_right"  B: o o    A: o .
               o x o       o o o                        o x       o x
                           . x .

Type A is for the image, which an output must not see at its own place: the kernel of
type B moved up by a row, or to the left by a column. Type B is for features, which
hold nothing of their own row, or pixel, if the first layer was of type A.

With stride 2 the output at (R, C) stands for the pixels (2R, 2C), (2R, 2C + 1),
(2R + 1, 2C) and (2R + 1, 2C + 1), and must see no more than the first of them may: the
kernel's last row is 2R, and to the right its last column 2C. The transposed
convolution hands it back to these four, which all come later.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn.checks import Shape
from keras_pixelcnn.layers.color_groups import check_mask_type
from keras_pixelcnn.layers.stack_conv2d import padded_conv2d

DIRECTIONS = ("down", "down_right")
KERNEL_SIZES = {"down": (2, 3), "down_right": (2, 2)}
"""The kernels of the paper's figure 2."""


class BaseShiftedConv2D(keras.layers.Layer):
    """The arguments, the bias and the config of this layer and the transposed one."""

    def __init__(
        self,
        filters: int,
        direction: str,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        if direction not in DIRECTIONS:
            raise ValueError(
                f"direction must be one of {DIRECTIONS}. "
                f"Received: direction={direction!r}"
            )
        super().__init__(**kwargs)
        self.input_spec = keras.InputSpec(ndim=4)
        self.filters = filters
        self.direction = direction
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def _add_weights(self, kernel_shape: Sequence[int]) -> None:
        self.kernel = self.add_weight(
            name="kernel", shape=kernel_shape, initializer=self.kernel_initializer
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(self.filters,), initializer="zeros"
            )

    def _add_bias(self, outputs: tf.Tensor) -> tf.Tensor:
        if self.bias is None:
            return outputs
        # Added: CPUs take long over the gradient of `bias_add`.
        return outputs + tf.cast(self.bias, outputs.dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "direction": self.direction,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class ShiftedConv2D(BaseShiftedConv2D):
    """Sees rows above and its own, to both sides ("down") or to the left.

    Args:
        filters: number of output features.
        direction: "down" (the whole width of the kernel, in its own row too) or
            "down_right" (up to its own column).
        mask_type: "A" for the image, "B" for features. Default "B".
        kernel_size: (rows, columns); odd columns for "down". Default: that of the
            paper, (2, 3) for "down" and (2, 2) for "down_right".
        strides: 1, or 2 for half the rows and columns (rounded up); 2 for type B only.
            Default 1.
        use_bias: whether a bias is added. Default True.
        kernel_initializer: default "glorot_uniform".

    Call arguments:
        inputs: float tensor (batch, height, width, features).
        training: whether gradients are to come fast; the outputs are the same.

    Returns:
        Float tensor (batch, height, width, filters), or half that size.

    Raises:
        ValueError: on arguments out of their ranges.

    References:
        Salimans et al. 2017, arXiv 1701.05517, sections 2.3 and 2.4, and figure 2.
    """

    def __init__(
        self,
        filters: int,
        direction: str,
        mask_type: str = "B",
        kernel_size: tuple[int, int] | None = None,
        strides: int = 1,
        **kwargs: Any,
    ) -> None:
        check_mask_type(mask_type)
        super().__init__(filters, direction, **kwargs)
        if kernel_size is None:
            kernel_size = KERNEL_SIZES[direction]
        self.kernel_size = tuple(kernel_size)
        if direction == "down" and self.kernel_size[1] % 2 == 0:
            raise ValueError(
                'A kernel of direction "down" must have odd columns, so that it has a '
                f"centre. Received: kernel_size={kernel_size!r}"
            )
        if strides not in (1, 2) or (strides == 2 and mask_type == "A"):
            raise ValueError(
                'strides must be 1, or 2 for mask_type="B". '
                f"Received: strides={strides!r}, mask_type={mask_type!r}"
            )
        self.mask_type = mask_type
        self.strides = strides

    def build(self, input_shape: Shape) -> None:
        """Creates the kernel."""
        self._add_weights((*self.kernel_size, input_shape[-1], self.filters))
        self.built = True

    @property
    def column_padding(self) -> tuple[int, int]:
        """Zeros left and right of a row; -1 where its last column is cropped."""
        columns = self.kernel_size[1]
        if self.direction == "down":
            return columns // 2, columns // 2
        return (columns, -1) if self.mask_type == "A" else (columns - 1, 0)

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Runs all pixels at once."""
        rows, (left, right) = self.kernel_size[0], self.column_padding
        if self.mask_type == "A" and self.direction == "down":
            inputs, above = inputs[:, :-1], rows
        else:
            above = rows - 1
        if right < 0:
            inputs, right = inputs[:, :, :right], 0
        padding = [[0, 0], [above, 0], [left, right], [0, 0]]
        kernel = tf.convert_to_tensor(self.kernel)
        if self.strides == 1:
            return self._add_bias(padded_conv2d(inputs, kernel, padding, training))
        if training:  # no CPU has fast gradients where the padding is explicit
            padded = tf.pad(inputs, padding)
            return self._add_bias(tf.nn.conv2d(padded, kernel, self.strides, "VALID"))
        return self._add_bias(tf.nn.conv2d(inputs, kernel, self.strides, padding))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Returns the input's shape, or half of it, with `filters` features."""
        batch, *size, _ = input_shape
        return (batch, *(-(-n // self.strides) for n in size), self.filters)

    def multiply_adds(self, input_shape: Shape) -> int:
        """Counts the multiply-adds of one image, every tap at every output."""
        _, *size, _ = self.compute_output_shape(input_shape)
        return math.prod(size) * math.prod(self.kernel.shape)

    def steps(self) -> "ShiftedConvSteps":
        """Returns the layer's row and pixel steps, with the weights as they stand."""
        return ShiftedConvSteps(self)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "mask_type": self.mask_type,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
        }


class ShiftedConvSteps:
    """`ShiftedConv2D` in two parts: the row above, and the newest row or its pixels.

    An output is the sum of `above` and of `row` or `pixel`. The newest row is the last
    that the output sees: its own, or for type A of direction "down" that before it.
    Rows are (slices, width, examples, features), where a pixel lies in one piece.

    Args:
        layer: a built layer of at most two rows, whose weights are read once.
    """

    def __init__(self, layer: ShiftedConv2D) -> None:
        kernel = tf.cast(layer.kernel.value, layer.compute_dtype)
        num_rows, self.num_taps, self.features, self.filters = kernel.shape
        if num_rows > 2:
            raise ValueError(
                "Steps keep one row above: the kernel can have 2 rows at most. "
                f"Received: kernel_size={layer.kernel_size}"
            )
        self._above_kernel = kernel[0] if num_rows == 2 else None
        self._kernel = kernel[-1]
        self._bias = tf.zeros([self.filters], layer.compute_dtype)
        if layer.bias is not None:
            self._bias = tf.cast(layer.bias.value, layer.compute_dtype)
        self._padding, self._strides = layer.column_padding, layer.strides

    def above(self, row: tf.Tensor) -> tf.Tensor:
        """Computes what the row before the newest adds, and the bias.

        Args:
            row: (slices, width, examples, features), of zeros above the image.

        Returns:
            (slices, output width, examples, filters); for a kernel of one row the bias
            alone.
        """
        if self._above_kernel is None:
            return self._bias
        return self._convolve(row, self._above_kernel) + self._bias

    def row(self, row: tf.Tensor) -> tf.Tensor:
        """Computes what the newest row adds, shaped as for `above`."""
        return self._convolve(row, self._kernel)

    def pixel(self, left: tf.Tensor | None, own: tf.Tensor | None) -> tf.Tensor:
        """Computes what the newest row adds to one output of direction "down_right".

        Args:
            left: the pixel to the left, (examples, features), zeros beyond the edge;
                left out where the kernel has one column and type B.
            own: the pixel itself; left out for type A.

        Returns:
            (examples, filters).
        """
        seen = [pixel for pixel in (left, own) if pixel is not None]
        window = tf.concat(seen, axis=-1) if len(seen) > 1 else seen[0]
        return tf.matmul(window, tf.reshape(self._kernel, [-1, self.filters]))

    def _convolve(self, row: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        left, right = self._padding
        if right < 0:
            row, right = row[:, :right], 0
        return tf.nn.conv2d(
            row,
            kernel[:, tf.newaxis],
            strides=[self._strides, 1],
            padding=[[0, 0], [left, right], [0, 0], [0, 0]],
        )
