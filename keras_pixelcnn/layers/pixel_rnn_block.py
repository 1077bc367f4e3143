"""PixelRNNBlock: one residual layer of the PixelRNN."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_pixelcnn.checks import Shape
from keras_pixelcnn.layers.diagonal_bilstm import DiagonalBiLSTM
from keras_pixelcnn.layers.lstm import gates_by_group
from keras_pixelcnn.layers.masked_conv2d import MaskedProduct, PointwiseSteps
from keras_pixelcnn.layers.row_lstm import RowLSTM
from keras_pixelcnn.layers.stack_conv2d import by_group

CELLS = ("row_lstm", "diagonal_bilstm")


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class PixelRNNBlock(keras.layers.Layer):
    """A recurrent layer with a residual connection around it.

    ::

        inputs ─┬─ LSTM, 2h to h ── 1 x 1, mask B, h to 2h ──(+)── outputs
                └─────────────────────────────────────────────┘

    Args:
        filters: h, hidden features of the LSTM, a multiple of `color_groups`.
        cell: "row_lstm" or "diagonal_bilstm".
        kernel_size: odd kernel of the Row LSTM, which alone has one. Default 3.
        color_groups: number of colour channels whose order is kept. Default 1.

    Call arguments:
        inputs: float tensor (batch, height, width, 2 x filters).
        training: whether gradients are to come fast; the outputs are the same.

    Returns:
        Float tensor (batch, height, width, 2 x filters).

    Raises:
        ValueError: on an unknown cell, or when features do not fit.

    References:
        van den Oord et al. 2016, arXiv 1601.06759, section 3.3 and figure 5.
    """

    def __init__(
        self,
        filters: int,
        cell: str,
        kernel_size: int = 3,
        color_groups: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if cell not in CELLS:
            raise ValueError(f"cell must be one of {CELLS}. Received: cell={cell!r}")
        self.filters = filters
        self.cell = cell
        self.kernel_size = kernel_size
        self.color_groups = color_groups
        shared = {"color_groups": color_groups, "dtype": self.dtype_policy}
        if cell == "row_lstm":
            self.recurrence = RowLSTM(filters, kernel_size, name=cell, **shared)
        else:
            self.recurrence = DiagonalBiLSTM(filters, name=cell, **shared)
        self.upsampling = MaskedProduct(2 * filters, name="upsampling", **shared)

    def build(self, input_shape: Shape) -> None:
        """Builds both layers."""
        if input_shape[-1] != 2 * self.filters:
            raise ValueError(
                "The input is added to the output, so that it must have twice "
                f"filters={self.filters} features. "
                f"Received: inputs of shape {tuple(input_shape)}"
            )
        self.recurrence.build(input_shape)
        self.upsampling.build((*input_shape[:-1], self.filters))
        self.built = True

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Runs all pixels."""
        return inputs + self.upsampling(self.recurrence(inputs, training=training))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Returns the input's shape."""
        return tuple(input_shape)

    def multiply_adds(self, input_shape: Shape) -> int:
        """Counts the multiply-adds of one image, every open weight at every pixel."""
        hidden_shape = (*input_shape[:-1], self.filters)
        hidden = self.recurrence.multiply_adds(input_shape)
        return hidden + self.upsampling.multiply_adds(hidden_shape)

    def row_steps(self) -> "PixelRNNBlockRowSteps":
        """Returns a Row LSTM block's row steps, with the weights as they stand."""
        return PixelRNNBlockRowSteps(self)

    def pixel_steps(self) -> "PixelRNNBlockPixelSteps":
        """Returns a Row LSTM block's pixel steps, with the weights as they stand."""
        return PixelRNNBlockPixelSteps(self)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "cell": self.cell,
            "kernel_size": self.kernel_size,
            "color_groups": self.color_groups,
        }


class States(NamedTuple):
    """The states of a Row LSTM in a row, each (slices, width, examples, filters)."""

    hidden: tf.Tensor
    cell: tf.Tensor


class FromAbove(NamedTuple):
    """The inputs of a row of a Row LSTM from the row above it."""

    gates: tf.Tensor
    """(slices, width, examples, 4 x filters), the bias included."""
    cell: tf.Tensor
    """(slices, width, examples, filters)."""


class PixelRNNBlockRowSteps:
    """A block of Row LSTM a row at a time: before its pixels are drawn, and after.

    Args:
        block: a built `PixelRNNBlock`, whose weights are read once.
    """

    def __init__(self, block: PixelRNNBlock) -> None:
        self._groups = block.color_groups
        self._dtype = block.compute_dtype
        self._recurrence = block.recurrence.row_steps()
        self._upsampling = PointwiseSteps(block.upsampling)
        self._filters = block.filters

    def initial_states(
        self, num_slices: tf.Tensor, width: int, batch_size: tf.Tensor
    ) -> States:
        """Returns the states above the image: zeros."""
        zeros = tf.zeros([num_slices, width, batch_size, self._filters], self._dtype)
        return States(zeros, zeros)

    def above(self, states: States) -> FromAbove:
        """Computes what the row above adds to a row."""
        return FromAbove(self._recurrence.from_above(states.hidden), states.cell)

    def for_pixels(self, above: FromAbove) -> FromAbove:
        """Splits that into colour groups, as the pixel steps take it.

        Returns:
            With several groups (slices, width, groups, examples, features / groups).
        """
        gates = gates_by_group(above.gates, self._groups)
        return FromAbove(gates, by_group(above.cell, self._groups))

    def states(self, row: tf.Tensor, above: FromAbove) -> States:
        """Computes the states of a complete row, from the block's input in it."""
        return States(*self._recurrence(row, above.gates, above.cell))

    def outputs(self, row: tf.Tensor, states: States) -> tf.Tensor:
        """Computes the block's output row, from its input and its states."""
        return row + self._upsampling(states.hidden)


class PixelRNNPixelState(NamedTuple):
    """A block's features at the pixel at hand, each by group, (batch, n / groups)."""

    gates: tuple[tf.Tensor, ...]
    """What the row above gives to the gates, of all groups."""
    cell: tuple[tf.Tensor, ...]
    """Cell states of the pixel above, of all groups."""
    left: tuple[tf.Tensor, ...]
    """The block's inputs at the pixels to the left, oldest first, each (batch, n)."""
    convolved: tuple[tf.Tensor, ...] = ()
    """Inputs so far, which the LSTM convolves along the row."""
    hidden: tuple[tf.Tensor, ...] = ()
    """Hidden states so far."""


class PixelRNNBlockPixelSteps:
    """A block of Row LSTM a pixel and a group at a time.

    The pixels to the left are left out: whoever drives the blocks keeps them.

    Args:
        block: a built `PixelRNNBlock`, whose weights are read once.
    """

    def __init__(self, block: PixelRNNBlock) -> None:
        self._recurrence = block.recurrence.pixel_steps()
        self._upsampling = block.upsampling.group_steps()
        self.num_taps = self._recurrence.num_taps
        self.features = self._recurrence.features

    def group(
        self, inputs: tf.Tensor, state: PixelRNNPixelState
    ) -> tuple[tf.Tensor, PixelRNNPixelState]:
        """Runs the next group.

        Args:
            inputs: the group's input, (batch, 2 x filters / groups).
            state: the pixel so far.

        Returns:
            The group's output, of the input's shape, and the new state.
        """
        group, seen = len(state.convolved), (*state.convolved, inputs)
        hidden = self._recurrence(
            seen, state.left, state.gates[group], state.cell[group]
        )
        state = state._replace(convolved=seen, hidden=(*state.hidden, hidden))
        return inputs + self._upsampling(state.hidden), state
