"""PixelCNNBlock: one residual block of the PixelCNN (its paper's figure 5)."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn.layers import color_groups as groups
from keras_pixelcnn.layers.dropout import StatelessDropout, check_dropout_rate
from keras_pixelcnn.layers.masked_conv2d import MaskedConv2D
from keras_pixelcnn.layers.pixelcnn_block_steps import BlockPixelSteps, BlockRowSteps
from keras_pixelcnn.layers.scan_layout import RowConditioning


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

    Call arguments:
        inputs: float tensor (batch, height, width, 2 x filters).
        conditioning: None, or a float tensor that broadcasts to (batch, height, width,
            conditioning_filters); see `GateConditioning`.
        training: whether dropout is on.
        dropout_seeds: what `draw_dropout_seeds` gave, for a pass that drops the same
            features as another. Default: new ones.

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

    def build(self, input_shape: Sequence[int | None]) -> None:
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
        conditioning: tf.Tensor | None = None,
        training: bool | None = None,
        dropout_seeds: Sequence[tf.Tensor | None] = (None,),
    ) -> tf.Tensor:
        """All pixels at once."""
        (dropout_seed,) = dropout_seeds
        outputs = self.convolution(self.reduced(inputs), training=training)
        if conditioning is not None:
            outputs += conditioning
        outputs = self.dropout(
            tf.nn.relu(outputs), training=training, dropout_seed=dropout_seed
        )
        return inputs + self.expansion(outputs)

    def reduced(self, inputs: tf.Tensor) -> tf.Tensor:
        """What the k x k convolution takes, (batch, height, width, filters)."""
        return tf.nn.relu(self.reduction(tf.nn.relu(inputs)))

    def draw_dropout_seeds(self) -> tuple[tf.Tensor | None]:
        """What fixes which features are dropped in one pass: int64 (2,) or None."""
        return (self.dropout.draw_seed(),)

    def multiply_adds(self, input_shape: Sequence[int | None]) -> int:
        """Multiply-adds of one image, every open tap at every pixel.

        Args:
            input_shape: (batch, height, width, features); the batch does not count.
        """
        inner = (*input_shape[:-1], self.filters)
        return (
            self.reduction.multiply_adds(input_shape)
            + self.convolution.multiply_adds(inner)
            + self.expansion.multiply_adds(inner)
        )

    def row_steps(self, conditioning: RowConditioning | None = None) -> BlockRowSteps:
        """The block row by row, with the weights as they stand now."""
        return BlockRowSteps(self, conditioning)

    def pixel_steps(self) -> BlockPixelSteps:
        """The block pixel by pixel, with the weights as they stand now."""
        return BlockPixelSteps(self)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "color_groups": self.color_groups,
            "dropout_rate": self.dropout_rate,
        }
