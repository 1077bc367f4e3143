"""RowLSTM: a recurrent layer whose time steps are the rows of the image."""

import functools
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn.checks import Shape
from keras_pixelcnn.layers import color_groups as groups
from keras_pixelcnn.layers import lstm
from keras_pixelcnn.layers.stack_conv2d import padded_conv2d


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class RowLSTM(keras.layers.Layer):
    """LSTM cells, one a pixel and feature, that run from the top row to the bottom one.

    The gates of a pixel see its row up to the pixel, k // 2 taps to the left and the
    pixel itself by colour group (input-to-state, mask B), and k hidden states of the
    row above (state-to-state), whose pixels are complete. The cell goes on from that of
    the pixel above. So a pixel's field is a triangle above it and misses what lies
    beside that: it is the faster and the weaker of the two recurrent layers.

    All input-to-state products are one convolution; the loop has one product a row.

    Args:
        filters: number of hidden features, a multiple of `color_groups`.
        kernel_size: odd integer k. Default 3.
        color_groups: number of colour channels whose order is kept. Default 1.

    Call arguments:
        inputs: float tensor (batch, height, width, features), features a multiple of
            `color_groups`, that show nothing of what comes after their pixel.
        training: whether gradients are to come fast; the outputs are the same.

    Returns:
        Hidden states, float tensor (batch, height, width, filters).

    Raises:
        ValueError: on an even kernel, or features that the groups do not divide.

    References:
        van den Oord et al. 2016, arXiv 1601.06759, section 3.1 and equation 3.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        color_groups: int = 1,
        **kwargs: Any,
    ) -> None:
        groups.check_kernel_size(kernel_size)
        groups.check_divisible(filters, color_groups, "filters")
        super().__init__(**kwargs)
        self.input_spec = keras.InputSpec(ndim=4)
        self.filters = filters
        self.kernel_size = kernel_size
        self.color_groups = color_groups

    def build(self, input_shape: Shape) -> None:
        """Creates the two kernels and the bias of the gates."""
        features, num_gates = input_shape[-1], lstm.NUM_GATES * self.filters
        groups.check_divisible(features, self.color_groups, "input features")
        self.input_kernel = self.add_weight(
            name="input_kernel",
            shape=(self.kernel_size // 2 + 1, features, num_gates),
            initializer="glorot_uniform",
        )
        self.state_kernel = self.add_weight(
            name="state_kernel",
            shape=(self.kernel_size, self.filters, num_gates),
            initializer="orthogonal",
        )
        self.bias = self.add_weight(
            name="bias", shape=(num_gates,), initializer=lstm.initial_bias
        )
        self.mask = np.ones(self.input_kernel.shape, "float32")
        self.mask[-1] = lstm.gates_mask(features, self.filters, self.color_groups)
        self.built = True

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Runs all rows, one after the other."""
        return self._run(inputs, training)[0]

    def states(self, inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes the hidden and the cell states of all pixels.

        Args:
            inputs: as for a call.

        Returns:
            Two float tensors (batch, height, width, filters).
        """
        inputs = tf.cast(inputs, self.compute_dtype)
        return tuple(self._run(inputs, training=False, keep_cells=True))

    def _run(
        self, inputs: tf.Tensor, training: bool | None, keep_cells: bool = False
    ) -> list[tf.Tensor]:
        # A row is (width, batch, features): neighbours are slices of it.
        rows = tf.transpose(inputs, [1, 2, 0, 3])
        gates = convolve_rows(rows, self.open_input_kernel(), training)
        gates += tf.cast(self.bias, gates.dtype)
        kernel = tf.cast(self.state_kernel, gates.dtype)
        step = functools.partial(_step, kernel)
        (states,) = lstm.scan_cells([step], [gates], keep_cells)
        return [tf.transpose(values, [2, 0, 1, 3]) for values in states]

    def open_input_kernel(self) -> tf.Tensor:
        """Returns the input-to-state kernel, with zeros where the mask closes it.

        Returns:
            Float tensor (kernel_size // 2 + 1, features, 4 x filters), in the type that
            the layer computes in.
        """
        kernel = tf.cast(self.input_kernel, self.compute_dtype)
        if self.color_groups == 1:
            return kernel
        return kernel * tf.cast(self.mask, kernel.dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Returns the input's shape with `filters` features."""
        return (*input_shape[:-1], self.filters)

    def multiply_adds(self, input_shape: Shape) -> int:
        """Counts the multiply-adds of one image, every open tap at every pixel."""
        _, height, width, _ = input_shape
        taps = np.count_nonzero(self.mask) + math.prod(self.state_kernel.shape)
        return height * width * int(taps)

    def row_steps(self) -> "RowLSTMRowSteps":
        """Returns the layer's row steps, with the weights as they stand."""
        return RowLSTMRowSteps(self)

    def pixel_steps(self) -> "RowLSTMPixelSteps":
        """Returns the layer's pixel steps, with the weights as they stand."""
        return RowLSTMPixelSteps(self)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "color_groups": self.color_groups,
        }


def convolve_rows(
    rows: tf.Tensor, kernel: tf.Tensor, training: bool | None = None
) -> tf.Tensor:
    """Convolves along rows: pixels see themselves and those to the left.

    Args:
        rows: float tensor (rows, width, batch, features).
        kernel: float tensor (taps, features, filters).
        training: whether gradients are to come fast; the outputs are the same.

    Returns:
        Float tensor (rows, width, batch, filters).
    """
    kernel = kernel[:, tf.newaxis]
    padding = [[0, 0], [kernel.shape[0] - 1, 0], [0, 0], [0, 0]]
    return padded_conv2d(rows, kernel, padding, training)


def _step(
    kernel: tf.Tensor, gates: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Steps to the next row; all but the kernel are (width, batch, features)."""
    taps, features, num_gates = kernel.shape
    width, half = hidden.shape[0], taps // 2
    padded = tf.pad(hidden, [[half, half], [0, 0], [0, 0]])
    window = tf.concat([padded[tap : tap + width] for tap in range(taps)], axis=-1)
    window = tf.reshape(window, [-1, taps * features])
    # A product: CPUs take its gradients faster than those of a convolution.
    products = tf.matmul(window, tf.reshape(kernel, [-1, num_gates]))
    return lstm.lstm_update(gates + tf.reshape(products, tf.shape(gates)), cell)


class RowLSTMRowSteps:
    """`RowLSTM` one complete row at a time.

    A row is (slices, width, examples, features), as the raster scan has it.

    Args:
        layer: a built layer, whose weights are read once.
    """

    def __init__(self, layer: RowLSTM) -> None:
        self.filters = layer.filters
        self._input_kernel = layer.open_input_kernel()
        self._state_kernel = tf.cast(layer.state_kernel.value, layer.compute_dtype)
        self._bias = tf.cast(layer.bias.value, layer.compute_dtype)

    def from_above(self, hidden: tf.Tensor) -> tf.Tensor:
        """Computes what the row above's states and the bias add to a row's gates.

        Args:
            hidden: hidden states of the row above, (slices, width, examples, filters).

        Returns:
            (slices, width, examples, 4 x filters).
        """
        kernel = self._state_kernel[:, tf.newaxis]
        return tf.nn.conv2d(hidden, kernel, 1, "SAME") + self._bias

    def __call__(
        self, inputs: tf.Tensor, above: tf.Tensor, cell: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Runs one row.

        Args:
            inputs: the row, (slices, width, examples, features).
            above: what `from_above` gave.
            cell: cell states of the row above, (slices, width, examples, filters).

        Returns:
            The hidden and the cell states of the row, of the same shape.
        """
        gates = convolve_rows(inputs, self._input_kernel) + above
        return lstm.lstm_update(gates, cell)


class RowLSTMPixelSteps:
    """`RowLSTM` one pixel and one colour group at a time.

    Args:
        layer: a built layer, whose weights are read once.
    """

    def __init__(self, layer: RowLSTM) -> None:
        kernel = tf.cast(layer.input_kernel.value, layer.compute_dtype)
        self.num_taps, self.features = layer.kernel_size // 2, kernel.shape[1]
        self._kernels = []
        for group in range(layer.color_groups):
            seen = self.num_taps * self.features + groups.visible_features(
                self.features, layer.color_groups, group, "B"
            )
            rows = tf.reshape(kernel, [-1, kernel.shape[-1]])[:seen]
            self._kernels.append(lstm.gates_of_group(rows, group, layer.color_groups))

    def __call__(
        self,
        inputs: Sequence[tf.Tensor],
        left: Sequence[tf.Tensor],
        above: tf.Tensor,
        cell: tf.Tensor,
    ) -> tf.Tensor:
        """Runs the last group whose input is given.

        Args:
            inputs: the pixel's input features, group by group, each (batch, features /
                groups).
            left: the `num_taps` pixels to the left, oldest first, each (batch,
                features); zeros beyond the edge.
            above: the group's part of what the row above gives, (batch, 4 x filters /
                groups).
            cell: the group's cells of the pixel above, (batch, filters / groups).

        Returns:
            The group's hidden state, (batch, filters / groups).
        """
        seen = (*left, *inputs)
        window = tf.concat(seen, axis=-1) if len(seen) > 1 else seen[0]
        gates = above + tf.matmul(window, self._kernels[len(inputs) - 1])
        hidden, _ = lstm.lstm_update(gates, cell)
        return hidden
