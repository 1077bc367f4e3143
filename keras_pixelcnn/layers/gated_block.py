"""GatedPixelCNNBlock: one layer of the Gated PixelCNN (paper, figure 2).

The gate, the block, and the block step by step: its vertical stack runs row by row, its
horizontal stack pixel by pixel.
"""

import copy
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_pixelcnn.checks import Shape, check_dropout_rate, sizes_of
from keras_pixelcnn.layers import color_groups as groups
from keras_pixelcnn.layers.conditioning import DeferredConditioning, project
from keras_pixelcnn.layers.dropout import StatelessDropout, recompute
from keras_pixelcnn.layers.masked_conv2d import MaskedConv2D
from keras_pixelcnn.layers.stack_conv2d import (
    HorizontalStackConv2D,
    RowConditioning,
    VerticalStackConv2D,
    as_row,
    by_group,
)


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class GatedActivation(keras.layers.Layer):
    """A gate: y = tanh(a) * sigmoid(b), where a and b are two halves of the input.

    Each colour group is halved for itself, so that the gate never carries a feature
    into another group.

    Args:
        color_groups: number of colour channels whose order is kept. Default 1.

    Call arguments:
        inputs: float tensor (..., features), features a multiple of twice the groups.
        conditioning: None, or a float tensor that is added to both halves before the
            gate, of a shape that broadcasts to the input's.

    Returns:
        Float tensor (..., features / 2), values in (-1, 1).

    Raises:
        ValueError: when the groups cannot be halved.

    References:
        van den Oord et al. 2016, arXiv 1606.05328, equations 2 and 4.
    """

    def __init__(self, color_groups: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.color_groups = color_groups

    def build(self, input_shape: Shape) -> None:
        """Checks that every group has two halves."""
        groups.check_divisible(
            input_shape[-1], 2 * self.color_groups, "input features (before a gate)"
        )
        self.built = True

    def call(
        self, inputs: tf.Tensor, conditioning: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Applies the gate."""
        if conditioning is not None:
            inputs += conditioning
        return gate(inputs, self.color_groups)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "color_groups": self.color_groups}


def gate(inputs: tf.Tensor, color_groups: int = 1) -> tf.Tensor:
    """Applies the gate as a function: (..., features) to (..., features / 2)."""
    if color_groups == 1:
        content, opening = tf.split(inputs, 2, axis=-1)
        return tf.tanh(content) * tf.sigmoid(opening)
    features = inputs.shape[-1]
    leading = tf.shape(inputs)[:-1]
    halves = tf.reshape(
        inputs,
        tf.concat([leading, [color_groups, 2, features // color_groups // 2]], axis=0),
    )
    content, opening = tf.unstack(halves, axis=-2)
    gated = tf.tanh(content) * tf.sigmoid(opening)
    outputs = tf.reshape(gated, tf.concat([leading, [features // 2]], axis=0))
    return tf.ensure_shape(outputs, [*inputs.shape[:-1], features // 2])


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class GatedPixelCNNBlock(keras.layers.Layer):
    """A gated vertical and a gated horizontal convolution, linked.

    ::

        vertical ── k x k ──┬── gate ── dropout ─────────────────> vertical
                            │
                          1 x 1 (the link, before the gate)
                            │
        horizontal ─ 1 x k ─+── gate ── dropout ─┬─ 1 x 1 ──(+)──> horizontal
            │                                    │           │
            │                                    └─ 1 x 1 ───│───> skip
            └────────────────────────────────────────────────┘
                      residual, type B only

    Conditioning is added inside both gates, after the link has left the vertical stack.
    Nothing flows from the horizontal to the vertical stack. A type A block takes the
    image in both inputs and has no residual, which would hand the pixel to itself.

    Args:
        filters: features of both stacks, a multiple of `color_groups`.
        kernel_size: odd integer k.
        mask_type: "A" for the first block, "B" for the others.
        skip_filters: features of the skip output, a multiple of `color_groups`.
            Default: `filters`.
        color_groups: number of colour channels whose order is kept. Default 1.
        dropout_rate: share of gated features dropped in training. Default 0.
        skip_only: True for the last block, whose stacks lead nowhere. Default False.
        gradient_checkpointing: whether training keeps only the block's inputs and
            computes what is inside it a second time for the gradient. Default False.
        vertical_gain: what Glorot's initial scale of the vertical kernel is multiplied
            by. Default 1.

    Call arguments:
        vertical: float tensor (batch, height, width, features).
        horizontal: the same shape; for type A both are the image.
        conditioning: None, or a float tensor that broadcasts to (batch, height, width,
            conditioning_filters): what is added inside the gates, that of the
            vertical stack first; see `GateConditioning`.
        training: whether dropout is on.

    Returns:
        A tuple of vertical and horizontal features, (batch, height, width, filters),
        and the skip output, (batch, height, width, skip_filters); with `skip_only`
        the skip output alone.

    Raises:
        ValueError: when filters do not fit the groups, or a type B block gets another
            number of features than it gives.

    References:
        van den Oord et al. 2016, arXiv 1606.05328, section 2.2, equations 4 and 5, and
        figure 2. Gradient checkpointing: Chen et al. 2016, arXiv 1604.06174.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        mask_type: str,
        skip_filters: int | None = None,
        color_groups: int = 1,
        dropout_rate: float = 0.0,
        skip_only: bool = False,
        gradient_checkpointing: bool = False,
        vertical_gain: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        groups.check_divisible(filters, color_groups, "filters")
        check_dropout_rate(dropout_rate)
        self.filters = filters
        self.kernel_size = kernel_size
        self.mask_type = mask_type
        self.skip_filters = filters if skip_filters is None else skip_filters
        groups.check_divisible(self.skip_filters, color_groups, "skip_filters")
        self.color_groups = color_groups
        self.dropout_rate = dropout_rate
        self.skip_only = skip_only
        self.gradient_checkpointing = gradient_checkpointing
        self.vertical_gain = vertical_gain

        shared = {"dtype": self.dtype_policy}
        grouped = {**shared, "color_groups": color_groups}
        self.vertical_conv = VerticalStackConv2D(
            2 * filters,
            kernel_size,
            mask_type,
            kernel_initializer=keras.initializers.VarianceScaling(
                vertical_gain**2, "fan_avg", "uniform"
            ),
            name="vertical_conv",
            **shared,
        )
        self.vertical_gate = GatedActivation(name="vertical_gate", **shared)
        # The horizontal convolution's bias serves the link too.
        self.link = keras.layers.Conv2D(
            2 * filters,
            1,
            use_bias=False,
            data_format="channels_last",
            name="link",
            **shared,
        )
        self.horizontal_conv = HorizontalStackConv2D(
            2 * filters, kernel_size, mask_type, name="horizontal_conv", **grouped
        )
        self.horizontal_gate = GatedActivation(name="horizontal_gate", **grouped)
        self.residual = None
        if not skip_only:
            # A bias here would do what the next convolution's bias does.
            self.residual = MaskedConv2D(
                filters, 1, "B", use_bias=False, name="residual", **grouped
            )
        self.skip = MaskedConv2D(self.skip_filters, 1, "B", name="skip", **grouped)
        self.vertical_dropout = self.horizontal_dropout = None
        if dropout_rate:
            self.vertical_dropout = StatelessDropout(dropout_rate, **shared)
            self.horizontal_dropout = StatelessDropout(dropout_rate, **shared)

    @property
    def conditioning_filters(self) -> int:
        """Features of the conditioning: twice the filters for each gate."""
        return 2 * self.filters * (1 if self.skip_only else 2)

    def build(
        self,
        vertical_shape: Shape,
        horizontal_shape: Shape,
    ) -> None:
        """Builds the convolutions."""
        features = horizontal_shape[-1]
        if self.mask_type == "B" and features != self.filters:
            raise ValueError(
                "A type B block adds its horizontal input to its output, so that the "
                f"input must have filters={self.filters} features. "
                f"Received: horizontal of shape {tuple(horizontal_shape)}"
            )
        position = tuple(horizontal_shape[:-1])
        self.vertical_conv.build(vertical_shape)
        self.vertical_gate.build((*position, 2 * self.filters))
        self.link.build((*position, 2 * self.filters))
        self.horizontal_gate.build((*position, 2 * self.filters))
        self.horizontal_conv.build(horizontal_shape)
        if self.residual is not None:
            self.residual.build((*position, self.filters))
        self.skip.build((*position, self.filters))
        self.built = True

    def call(
        self,
        vertical: tf.Tensor,
        horizontal: tf.Tensor,
        conditioning: tf.Tensor | DeferredConditioning | None = None,
        training: bool | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor] | tf.Tensor:
        """Runs all pixels at once."""
        # Drawn outside of what is computed twice, which must drop the same features.
        vertical_seed = horizontal_seed = None
        if training and self.dropout_rate:
            vertical_seed = (
                None if self.skip_only else self.vertical_dropout.draw_seed()
            )
            horizontal_seed = self.horizontal_dropout.draw_seed()

        def run(
            vertical: tf.Tensor,
            horizontal: tf.Tensor,
            conditioning: tf.Tensor | DeferredConditioning | None,
        ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor] | tf.Tensor:
            if conditioning is not None:
                conditioning = project(conditioning)
            for_vertical, for_horizontal = for_each_gate(conditioning, self.skip_only)
            vertical = self.vertical_conv(vertical, training=training)
            link = self.link(vertical)
            if for_horizontal is not None:
                link += for_horizontal  # both enter the gate: equation 4
            gated = self.horizontal_gate(
                self.horizontal_conv(horizontal, training=training), conditioning=link
            )
            if horizontal_seed is not None:
                gated = self.horizontal_dropout(
                    gated, training=True, dropout_seed=horizontal_seed
                )
            skip = self.skip(gated)
            if self.skip_only:
                return skip
            vertical = self.vertical_gate(vertical, conditioning=for_vertical)
            if vertical_seed is not None:
                vertical = self.vertical_dropout(
                    vertical, training=True, dropout_seed=vertical_seed
                )
            outputs = self.residual(gated)
            if self.mask_type == "B":
                outputs += horizontal
            return vertical, outputs, skip

        if training and self.gradient_checkpointing:
            return recompute(run, vertical, horizontal, conditioning)
        return run(vertical, horizontal, conditioning)

    def multiply_adds(
        self,
        vertical_shape: Shape,
        horizontal_shape: Shape,
        *conditioning_shape: Shape,
    ) -> int:
        """Counts the multiply-adds of one image, every open tap at every pixel.

        Args:
            vertical_shape: (batch, height, width, features); the batch does not count.
            horizontal_shape: the same.
            *conditioning_shape: of what is only added, and does not count.
        """
        position = tuple(horizontal_shape[:-1])
        _, height, width = position
        pointwise = [self.skip]  # 1 x 1, on what comes out of the gate
        if self.residual is not None:
            pointwise.append(self.residual)
        return (
            self.vertical_conv.multiply_adds(vertical_shape)
            + height * width * math.prod(self.link.kernel.shape)
            + self.horizontal_conv.multiply_adds(horizontal_shape)
            + sum(layer.multiply_adds((*position, self.filters)) for layer in pointwise)
        )

    def row_steps(
        self, conditioning: RowConditioning | None = None
    ) -> "GatedBlockRowSteps":
        """Gives the vertical stack and the link row by row, weights as they stand."""
        return GatedBlockRowSteps(self, conditioning)

    def pixel_steps(self) -> "GatedBlockPixelSteps":
        """Gives the horizontal stack pixel by pixel, weights as they stand."""
        return GatedBlockPixelSteps(self)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "mask_type": self.mask_type,
            "skip_filters": self.skip_filters,
            "color_groups": self.color_groups,
            "dropout_rate": self.dropout_rate,
            "skip_only": self.skip_only,
            "gradient_checkpointing": self.gradient_checkpointing,
            "vertical_gain": self.vertical_gain,
        }


def for_each_gate(
    conditioning: tf.Tensor | None, skip_only: bool
) -> tuple[tf.Tensor | None, tf.Tensor | None]:
    """Splits the conditioning into that of the vertical and of the horizontal gate."""
    if conditioning is None or skip_only:
        return None, conditioning
    return tuple(tf.split(conditioning, 2, axis=-1))


class GatedBlockRowSteps:
    """The vertical half of a block, a row at a time; see `VerticalRowSteps`.

    Args:
        block: a built `GatedPixelCNNBlock`, whose weights are read once.
        conditioning: gives the conditioning of rows, (slices x examples, 1 or rows,
            1 or width, conditioning_filters), from the first row's index and their
            number. Default: there is none.
    """

    def __init__(
        self, block: GatedPixelCNNBlock, conditioning: RowConditioning | None = None
    ) -> None:
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
        shape = sizes_of(vertical)
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


class GatedPixelState(NamedTuple):
    """A block's features at the pixel at hand."""

    link: tuple[tf.Tensor, ...]
    """From the vertical stack, group by group, each (batch, 2 x filters / groups)."""
    left: tuple[tf.Tensor, ...]
    """The pixels to the left; see `HorizontalPixelSteps`."""
    inputs: tuple[tf.Tensor, ...] = ()
    """Horizontal inputs so far, group by group."""
    gated: tuple[tf.Tensor, ...] = ()
    """Features after the gate so far, group by group: what the skip layer takes."""


class GatedBlockPixelSteps:
    """The horizontal half of a block, a pixel and a group at a time.

    The skip layer is left out: whoever drives the blocks runs those of all blocks in
    one product. So are the pixels to the left: whoever drives the blocks keeps them.

    Args:
        block: a built `GatedPixelCNNBlock`, whose weights are read once.
    """

    def __init__(self, block: GatedPixelCNNBlock) -> None:
        self._is_first = block.mask_type == "A"
        self._convolution = block.horizontal_conv.pixel_steps()
        self._residual = None
        if block.residual is not None:
            self._residual = block.residual.group_steps()
        self.num_taps = self._convolution.num_taps
        self.features = self._convolution.features

    @property
    def kernels(self) -> list[tf.Tensor]:
        """Kernels of the convolution, group by group, then of the residual."""
        residual = [] if self._residual is None else self._residual.kernels
        return [*self._convolution.kernels, *residual]

    def with_kernels(self, kernels: Sequence[tf.Tensor]) -> "GatedBlockPixelSteps":
        """Returns the steps of a block with a residual, with other `kernels`."""
        steps, groups = copy.copy(self), len(kernels) // 2
        steps._convolution = copy.copy(self._convolution)
        steps._convolution.kernels = [*kernels[:groups]]
        steps._residual = copy.copy(self._residual)
        steps._residual.kernels = [*kernels[groups:]]
        return steps

    def group(
        self, inputs: tf.Tensor | None, state: GatedPixelState
    ) -> tuple[tf.Tensor | None, GatedPixelState]:
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
