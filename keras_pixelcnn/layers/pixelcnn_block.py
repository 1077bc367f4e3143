"""PixelCNNBlock: one residual block of the PixelCNN (its paper's figure 5).

The block, and the block step by step: the rows above row by row, the row itself pixel
by pixel.
"""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_pixelcnn.checks import Shape, check_dropout_rate, sizes_of
from keras_pixelcnn.layers import color_groups as groups
from keras_pixelcnn.layers.conditioning import DeferredConditioning, project
from keras_pixelcnn.layers.dropout import StatelessDropout, recompute
from keras_pixelcnn.layers.masked_conv2d import MaskedConv2D, PointwiseSteps
from keras_pixelcnn.layers.stack_conv2d import RowConditioning, as_row


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class PixelCNNBlock(keras.layers.Layer):
    """A masked convolution between two of size 1, and a residual.

    ::

        inputs ─┬─ ReLU ─ 1 x 1 ─ ReLU ─ k x k ─(+)─ ReLU ─ dropout ─ 1 x 1 ─(+)─>
          2h    │           h              h     │                      2h    │
                └────────────────────────────────│────────────────────────────┘
                                           conditioning

    All masks are of type B. Conditioning, which the PixelCNN's paper does not have, is
    added where the Gated PixelCNN adds it: to what comes out of the k x k convolution,
    before the nonlinearity.

    Args:
        filters: h, features of the k x k convolution, a multiple of `color_groups`.
        kernel_size: odd integer k, at least 3.
        color_groups: number of colour channels whose order is kept. Default 1.
        dropout_rate: share of the features dropped in training. Default 0.
        gradient_checkpointing: whether training keeps only the block's inputs and
            computes what is inside it a second time for the gradient. Default False.

    Call arguments:
        inputs: float tensor (batch, height, width, 2 x filters).
        conditioning: None, or a float tensor that broadcasts to (batch, height, width,
            conditioning_filters); see `GateConditioning`.
        training: whether dropout is on.

    Returns:
        Float tensor (batch, height, width, 2 x filters).

    Raises:
        ValueError: when filters do not fit the groups, or the input has another number
            of features.

    References:
        van den Oord et al. 2016, arXiv 1601.06759, section 3.4, table 1 and figure 5.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        color_groups: int = 1,
        dropout_rate: float = 0.0,
        gradient_checkpointing: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        groups.check_divisible(filters, color_groups, "filters")
        groups.check_kernel_size(kernel_size, smallest=3)
        check_dropout_rate(dropout_rate)
        self.filters = filters
        self.kernel_size = kernel_size
        self.color_groups = color_groups
        self.dropout_rate = dropout_rate
        self.gradient_checkpointing = gradient_checkpointing
        shared = {"color_groups": color_groups, "dtype": self.dtype_policy}
        self.reduction = MaskedConv2D(filters, 1, "B", name="reduction", **shared)
        self.convolution = MaskedConv2D(
            filters, kernel_size, "B", name="convolution", **shared
        )
        self.expansion = MaskedConv2D(2 * filters, 1, "B", name="expansion", **shared)
        self.dropout = StatelessDropout(dropout_rate, dtype=self.dtype_policy)

    @property
    def conditioning_filters(self) -> int:
        """Features of the conditioning."""
        return self.filters

    def build(self, input_shape: Shape) -> None:
        """Builds the convolutions."""
        if input_shape[-1] != 2 * self.filters:
            raise ValueError(
                "A PixelCNNBlock adds its input to its output, so that the input must "
                f"have 2 x filters={2 * self.filters} features. "
                f"Received: an input of shape {tuple(input_shape)}"
            )
        position = tuple(input_shape[:-1])
        self.reduction.build(input_shape)
        self.convolution.build((*position, self.filters))
        self.expansion.build((*position, self.filters))
        self.built = True

    def call(
        self,
        inputs: tf.Tensor,
        conditioning: tf.Tensor | DeferredConditioning | None = None,
        training: bool | None = None,
    ) -> tf.Tensor:
        """Runs all pixels at once."""
        # Drawn outside of what is computed twice, which must drop the same features.
        seed = self.dropout.draw_seed() if training else None

        def run(
            inputs: tf.Tensor, conditioning: tf.Tensor | DeferredConditioning | None
        ) -> tf.Tensor:
            outputs = self.convolution(self.reduced(inputs), training=training)
            if conditioning is not None:
                outputs += project(conditioning)
            outputs = tf.nn.relu(outputs)
            if seed is not None:
                outputs = self.dropout(outputs, training=True, dropout_seed=seed)
            return inputs + self.expansion(outputs)

        if training and self.gradient_checkpointing:
            return recompute(run, inputs, conditioning)
        return run(inputs, conditioning)

    def reduced(self, inputs: tf.Tensor) -> tf.Tensor:
        """Computes the k x k convolution's input, (batch, height, width, filters)."""
        return tf.nn.relu(self.reduction(tf.nn.relu(inputs)))

    def multiply_adds(
        self,
        input_shape: Shape,
        *conditioning_shape: Shape,
    ) -> int:
        """Counts the multiply-adds of one image, every open tap at every pixel.

        Args:
            input_shape: (batch, height, width, features); the batch does not count.
            *conditioning_shape: of what is only added, and does not count.
        """
        inner = (*input_shape[:-1], self.filters)
        return (
            self.reduction.multiply_adds(input_shape)
            + self.convolution.multiply_adds(inner)
            + self.expansion.multiply_adds(inner)
        )

    def row_steps(
        self, conditioning: RowConditioning | None = None
    ) -> "PixelCNNBlockRowSteps":
        """Returns the block's row steps, with the weights as they stand."""
        return PixelCNNBlockRowSteps(self, conditioning)

    def pixel_steps(self) -> "PixelCNNBlockPixelSteps":
        """Returns the block's pixel steps, with the weights as they stand."""
        return PixelCNNBlockPixelSteps(self)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "color_groups": self.color_groups,
            "dropout_rate": self.dropout_rate,
            "gradient_checkpointing": self.gradient_checkpointing,
        }


class PixelCNNBlockRowSteps:
    """A block a row at a time: before its pixels are drawn, and after.

    Rows are (slices, width, examples, features). The cache holds the rows above of what
    the k x k convolution takes; see `MaskedRowSteps`.

    Args:
        block: a built `PixelCNNBlock`, whose weights are read once.
        conditioning: gives the conditioning of rows, (slices x examples, 1, 1 or
            width, conditioning_filters), from the first row's index and their number.
            Default: there is none.
    """

    def __init__(
        self, block: PixelCNNBlock, conditioning: RowConditioning | None = None
    ) -> None:
        self._conditioning = conditioning
        self._convolution = block.convolution.row_steps()
        self._reduction = PointwiseSteps(block.reduction)
        self._expansion = PointwiseSteps(block.expansion)
        self.initial_cache = self._convolution.initial_cache
        self.num_rows = self._convolution.num_rows

    def above(self, index: tf.Tensor, cache: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """Computes what the rows above and the conditioning add at each pixel.

        Args:
            index: the row's index in the image.
            cache: the rows above.

        Returns:
            (slices, width, examples, filters).
        """
        outputs = self._convolution.above(cache)
        if self._conditioning is None:
            return outputs
        num_slices, _, batch_size, _ = sizes_of(outputs)
        return outputs + as_row(self._conditioning(index, 1), num_slices, batch_size)

    def reduced(self, row: tf.Tensor) -> tf.Tensor:
        """Computes a complete row's k x k input: the cache's next row."""
        return tf.nn.relu(self._reduction(tf.nn.relu(row)))

    def outputs(
        self, row: tf.Tensor, reduced: tf.Tensor, above: tf.Tensor
    ) -> tf.Tensor:
        """Computes the block's output row, from what the other methods gave."""
        activated = tf.nn.relu(above + self._convolution.along(reduced))
        return row + self._expansion(activated)


class PixelCNNPixelState(NamedTuple):
    """A block's features at the pixel at hand, each by group, (batch, n / groups)."""

    above: tuple[tf.Tensor, ...]
    """What the rows above give, of all groups."""
    left: tuple[tf.Tensor, ...]
    """The pixels to the left, of all groups; see `HorizontalPixelSteps`."""
    inputs: tuple[tf.Tensor, ...] = ()
    """Inputs so far, after their ReLU."""
    convolved: tuple[tf.Tensor, ...] = ()
    """Features so far that the k x k convolution takes."""
    activated: tuple[tf.Tensor, ...] = ()
    """Features so far that the last convolution takes."""


class PixelCNNBlockPixelSteps:
    """A block a pixel and a group at a time.

    The pixels to the left are left out: whoever drives the blocks keeps them.

    Args:
        block: a built `PixelCNNBlock`, whose weights are read once.
    """

    def __init__(self, block: PixelCNNBlock) -> None:
        self._reduction = block.reduction.group_steps()
        self._convolution = block.convolution.pixel_steps()
        self._expansion = block.expansion.group_steps()
        self.num_taps = self._convolution.num_taps
        self.features = self._convolution.features

    def group(
        self, inputs: tf.Tensor, state: PixelCNNPixelState
    ) -> tuple[tf.Tensor, PixelCNNPixelState]:
        """Runs the next group.

        Args:
            inputs: the group's input, (batch, 2 x filters / groups).
            state: the pixel so far.

        Returns:
            The group's output, of the input's shape, and the new state.
        """
        above = state.above[len(state.inputs)]
        seen = (*state.inputs, tf.nn.relu(inputs))
        reduced = (*state.convolved, tf.nn.relu(self._reduction(seen)))
        outputs = tf.nn.relu(above + self._convolution(reduced, state.left))
        activated = (*state.activated, outputs)
        state = PixelCNNPixelState(state.above, state.left, seen, reduced, activated)
        return inputs + self._expansion(activated), state
