"""`PixelCNNBlock` step by step: the rows above by rows, the row itself by pixels."""

from typing import Any, NamedTuple

import tensorflow as tf

from keras_pixelcnn.layers.masked_conv2d import MaskedConv2D
from keras_pixelcnn.layers.scan_layout import RowConditioning, as_row


class BlockRowSteps:
    """A block a row at a time: before its pixels are drawn, and after.

    Rows are (slices, width, examples, features). The cache holds the rows above of what
    the k x k convolution takes; see `MaskedRowSteps`.

    Args:
        block: a built `PixelCNNBlock`, whose weights are read once.
        conditioning: gives the conditioning of rows, (slices x examples, 1, 1 or
            width, conditioning_filters), from the first row's index and their number.
            Default: there is none.
    """

    def __init__(self, block: Any, conditioning: RowConditioning | None = None) -> None:
        self._conditioning = conditioning
        self._convolution = block.convolution.row_steps()
        self._reduction = _Pointwise(block.reduction)
        self._expansion = _Pointwise(block.expansion)
        self.initial_cache = self._convolution.initial_cache
        self.num_rows = self._convolution.num_rows

    def above(self, index: tf.Tensor, cache: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """What the rows above and the conditioning give to the k x k convolution.

        Args:
            index: the row's index in the image.
            cache: the rows above.

        Returns:
            (slices, width, examples, filters).
        """
        outputs = self._convolution.above(cache)
        if self._conditioning is None:
            return outputs
        sizes = tf.shape(outputs)
        num_slices = outputs.shape[0] or sizes[0]
        batch_size = outputs.shape[2] or sizes[2]
        return outputs + as_row(self._conditioning(index, 1), num_slices, batch_size)

    def reduced(self, row: tf.Tensor) -> tf.Tensor:
        """What the k x k convolution takes of a complete row: the cache's next row."""
        return tf.nn.relu(self._reduction(tf.nn.relu(row)))

    def outputs(
        self, row: tf.Tensor, reduced: tf.Tensor, above: tf.Tensor
    ) -> tf.Tensor:
        """The block's output row, from its input and what the other methods gave."""
        activated = tf.nn.relu(above + self._convolution.along(reduced))
        return row + self._expansion(activated)


class _Pointwise:
    """A `MaskedConv2D` of kernel size 1 on rows, its weights read once."""

    def __init__(self, layer: MaskedConv2D) -> None:
        self._kernel = layer.step_kernel()
        self._bias = tf.cast(layer.bias.value, layer.compute_dtype)

    def __call__(self, row: tf.Tensor) -> tf.Tensor:
        outputs = tf.nn.conv2d(row, self._kernel, 1, "VALID")
        return tf.nn.bias_add(outputs, self._bias)


class PixelState(NamedTuple):
    """What a block knows at the pixel at hand: each by group, (batch, n / groups)."""

    above: tuple[tf.Tensor, ...]
    """What the rows above give, of all groups."""
    left: tuple[tf.Tensor, ...]
    """The pixels to the left, of all groups; see `HorizontalPixelSteps`."""
    inputs: tuple[tf.Tensor, ...] = ()
    """Inputs so far, after their ReLU."""
    reduced: tuple[tf.Tensor, ...] = ()
    """Features so far that the k x k convolution takes."""
    activated: tuple[tf.Tensor, ...] = ()
    """Features so far that the last convolution takes."""


class BlockPixelSteps:
    """A block a pixel and a group at a time.

    The pixels to the left are left out: whoever drives the blocks keeps them.

    Args:
        block: a built `PixelCNNBlock`, whose weights are read once.
    """

    def __init__(self, block: Any) -> None:
        self._reduction = block.reduction.group_steps()
        self._convolution = block.convolution.pixel_steps()
        self._expansion = block.expansion.group_steps()
        self.num_taps = self._convolution.num_taps
        self.features = self._convolution.features

    def group(
        self, inputs: tf.Tensor, state: PixelState
    ) -> tuple[tf.Tensor, PixelState]:
        """Runs the next group.

        Args:
            inputs: the group's input, (batch, 2 x filters / groups).
            state: the pixel so far.

        Returns:
            The group's output, of the input's shape, and the new state.
        """
        above = state.above[len(state.inputs)]
        seen = (*state.inputs, tf.nn.relu(inputs))
        reduced = (*state.reduced, tf.nn.relu(self._reduction(seen)))
        outputs = tf.nn.relu(above + self._convolution(reduced, state.left))
        activated = (*state.activated, outputs)
        state = PixelState(state.above, state.left, seen, reduced, activated)
        return inputs + self._expansion(activated), state
