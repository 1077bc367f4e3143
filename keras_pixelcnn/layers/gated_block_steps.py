"""`GatedPixelCNNBlock` step by step: one stack by rows, the other by pixels."""

from typing import Any, NamedTuple

import tensorflow as tf

from keras_pixelcnn.layers.gated_activation import gate
from keras_pixelcnn.layers.scan_layout import RowConditioning, as_row, by_group


def for_each_gate(
    conditioning: tf.Tensor | None, skip_only: bool
) -> tuple[tf.Tensor | None, tf.Tensor | None]:
    """Conditioning of the vertical and of the horizontal gate."""
    if conditioning is None or skip_only:
        return None, conditioning
    return tuple(tf.split(conditioning, 2, axis=-1))


class BlockRowSteps:
    """The vertical half of a block, a row at a time; see `VerticalRowSteps`.

    Args:
        block: a built `GatedPixelCNNBlock`, whose weights are read once.
        conditioning: gives the conditioning of rows, (slices x examples, 1 or rows,
            1 or width, conditioning_filters), from the first row's index and their
            number. Default: there is none.
    """

    def __init__(self, block: Any, conditioning: RowConditioning | None = None) -> None:
        dtype = block.compute_dtype
        self._convolution = block.vertical_conv.row_steps()
        self._conditioning = conditioning
        self._skip_only = block.skip_only
        self._color_groups = block.color_groups
        self.initial_cache = self._convolution.initial_cache
        self.height = self._convolution.height
        self._link_kernel = tf.cast(block.link.kernel.value, dtype)[0, 0]
        self._bias = tf.cast(block.horizontal_conv.bias.value, dtype)

    def __call__(
        self, index: tf.Tensor, row: tf.Tensor, cache: tuple[tf.Tensor, ...]
    ) -> tuple[tf.Tensor, tf.Tensor, tuple[tf.Tensor, ...]]:
        """Runs one row.

        Args:
            index: the row's index in the image.
            row: the newest row that the vertical stack sees, (slices, width, examples,
                features).
            cache: the rows before that.

        Returns:
            The vertical stack's row (slices, width, examples, filters); what it gives
            to the gate of each pixel, (slices, width, examples, 2 x filters), with
            several colour groups (slices, width, groups, examples, 2 x filters /
            groups); the cache for the next row.
        """
        vertical, cache = self._convolution(row, cache)
        sizes = tf.shape(vertical)
        shape = [known or sizes[axis] for axis, known in enumerate(vertical.shape)]
        flat = tf.reshape(vertical, [-1, shape[-1]])
        link = tf.nn.bias_add(tf.matmul(flat, self._link_kernel), self._bias)
        link = tf.reshape(link, [*shape[:-1], self._link_kernel.shape[1]])
        for_vertical, for_horizontal = (
            None if added is None else as_row(added, shape[0], shape[2])
            for added in self._added(index, 1)
        )
        if for_horizontal is not None:
            link += for_horizontal
        if for_vertical is not None:
            vertical += for_vertical
        return gate(vertical), by_group(link, self._color_groups), cache

    def rows(self, first_row: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        """Runs many rows of the vertical stack at once, without their links.

        Args:
            first_row: index in the image of the first output row.
            rows: a window of input rows, (batch, n, width, features).

        Returns:
            The vertical stack's rows that the window suffices for, the last n + 1 -
            `height`: (batch, n + 1 - height, width, filters).
        """
        vertical = self._convolution.rows(rows)
        for_vertical, _ = self._added(first_row, vertical.shape[1])
        return gate(vertical if for_vertical is None else vertical + for_vertical)

    def _added(
        self, first_row: tf.Tensor, num_rows: int
    ) -> tuple[tf.Tensor | None, tf.Tensor | None]:
        if self._conditioning is None:
            return None, None
        return for_each_gate(self._conditioning(first_row, num_rows), self._skip_only)


class PixelState(NamedTuple):
    """What a block knows at the pixel at hand."""

    link: tuple[tf.Tensor, ...]
    """From the vertical stack, group by group, each (batch, 2 x filters / groups)."""
    left: tuple[tf.Tensor, ...]
    """The pixels to the left; see `HorizontalPixelSteps`."""
    inputs: tuple[tf.Tensor, ...] = ()
    """Horizontal inputs so far, group by group."""
    gated: tuple[tf.Tensor, ...] = ()
    """Features after the gate so far, group by group: what the skip layer takes."""


class BlockPixelSteps:
    """The horizontal half of a block, a pixel and a group at a time.

    The skip layer is left out: whoever drives the blocks runs those of all blocks in
    one product. So are the pixels to the left: whoever drives the blocks keeps them.

    Args:
        block: a built `GatedPixelCNNBlock`, whose weights are read once.
    """

    def __init__(self, block: Any) -> None:
        self._is_first = block.mask_type == "A"
        self._convolution = block.horizontal_conv.pixel_steps()
        self._residual = None
        if block.residual is not None:
            self._residual = block.residual.group_steps()
        self.num_taps = self._convolution.num_taps
        self.features = self._convolution.features

    def group(
        self, inputs: tf.Tensor | None, state: PixelState
    ) -> tuple[tf.Tensor | None, PixelState]:
        """Runs the next group.

        Args:
            inputs: the newest input that the group sees, (batch, features / groups):
                its own for type B; for type A that of the group before, None at first.
            state: the pixel so far.

        Returns:
            The group's horizontal output, (batch, filters / groups), None with
            `skip_only`; and the new state.
        """
        if inputs is not None:
            state = state._replace(inputs=(*state.inputs, inputs))
        link = state.link[len(state.gated)]
        gated = gate(link + self._convolution(state.inputs, state.left))
        state = state._replace(gated=(*state.gated, gated))
        if self._residual is None:
            return None, state
        outputs = self._residual(state.gated)
        return outputs if self._is_first else outputs + inputs, state
