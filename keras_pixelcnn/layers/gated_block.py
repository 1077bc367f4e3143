"""GatedPixelCNNBlock: one layer of the Gated PixelCNN (paper, figure 2)."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn.layers import color_groups as groups
from keras_pixelcnn.layers.dropout import StatelessDropout, check_dropout_rate
from keras_pixelcnn.layers.gated_activation import GatedActivation
from keras_pixelcnn.layers.gated_block_steps import (
    BlockPixelSteps,
    BlockRowSteps,
    for_each_gate,
)
from keras_pixelcnn.layers.masked_conv2d import MaskedConv2D
from keras_pixelcnn.layers.scan_layout import RowConditioning
from keras_pixelcnn.layers.stack_conv2d import (
    HorizontalStackConv2D,
    VerticalStackConv2D,
)


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

    Call arguments:
        vertical: float tensor (batch, height, width, features).
        horizontal: the same shape; for type A both are the image.
        conditioning: None, or a float tensor that broadcasts to (batch, height, width,
            conditioning_filters): what is added inside the gates, that of the
            vertical stack first; see `GateConditioning`.
        training: whether dropout is on.
        dropout_seeds: what `draw_dropout_seeds` gave, for a pass that drops the same
            features as another. Default: new ones.

    Returns:
        A tuple of vertical and horizontal features, (batch, height, width, filters),
        and the skip output, (batch, height, width, skip_filters); with `skip_only`
        the skip output alone.

    Raises:
        ValueError: when filters do not fit the groups, or a type B block gets another
            number of features than it gives.

    References:
        van den Oord et al. 2016, arXiv 1606.05328, section 2.2, equations 4 and 5, and
        figure 2.
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

        shared = {"dtype": self.dtype_policy}
        grouped = {**shared, "color_groups": color_groups}
        self.vertical_conv = VerticalStackConv2D(
            2 * filters, kernel_size, mask_type, name="vertical_conv", **shared
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
        self.vertical_dropout = StatelessDropout(dropout_rate, **shared)
        self.horizontal_dropout = StatelessDropout(dropout_rate, **shared)

    @property
    def conditioning_filters(self) -> int:
        """Features of the conditioning: twice the filters for each gate."""
        return 2 * self.filters * (1 if self.skip_only else 2)

    def build(
        self,
        vertical_shape: Sequence[int | None],
        horizontal_shape: Sequence[int | None],
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
        conditioning: tf.Tensor | None = None,
        training: bool | None = None,
        dropout_seeds: Sequence[tf.Tensor | None] = (None, None),
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor] | tf.Tensor:
        """All pixels at once."""
        vertical_seed, horizontal_seed = dropout_seeds
        for_vertical, for_horizontal = for_each_gate(conditioning, self.skip_only)
        vertical = self.vertical_conv(vertical, training=training)
        link = self.link(vertical)
        if for_horizontal is not None:
            link += for_horizontal
        gated = self.horizontal_gate(
            self.horizontal_conv(horizontal, training=training), conditioning=link
        )
        gated = self.horizontal_dropout(
            gated, training=training, dropout_seed=horizontal_seed
        )
        skip = self.skip(gated)
        if self.skip_only:
            return skip
        vertical = self.vertical_dropout(
            self.vertical_gate(vertical, conditioning=for_vertical),
            training=training,
            dropout_seed=vertical_seed,
        )
        outputs = self.residual(gated)
        if self.mask_type == "B":
            outputs += horizontal
        return vertical, outputs, skip

    def draw_dropout_seeds(self) -> tuple[tf.Tensor | None, tf.Tensor | None]:
        """What fixes which features the two stacks drop in one pass.

        Returns:
            The seeds of the vertical and of the horizontal stack, int64 (2,) or None
            where nothing is dropped.
        """
        vertical = None if self.skip_only else self.vertical_dropout.draw_seed()
        return vertical, self.horizontal_dropout.draw_seed()

    def multiply_adds(
        self,
        vertical_shape: Sequence[int | None],
        horizontal_shape: Sequence[int | None],
    ) -> int:
        """Multiply-adds of one image, every open tap at every pixel.

        Args:
            vertical_shape: (batch, height, width, features); the batch does not count.
            horizontal_shape: the same.
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

    def row_steps(self, conditioning: RowConditioning | None = None) -> BlockRowSteps:
        """The vertical stack and the link row by row, weights as they stand now."""
        return BlockRowSteps(self, conditioning)

    def pixel_steps(self) -> BlockPixelSteps:
        """The horizontal stack pixel by pixel, weights as they stand now."""
        return BlockPixelSteps(self)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "mask_type": self.mask_type,
            "skip_filters": self.skip_filters,
            "color_groups": self.color_groups,
            "dropout_rate": self.dropout_rate,
            "skip_only": self.skip_only,
        }
