"""GatedResidualBlock: the block of which PixelCNN++ is made."""

import math
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn.checks import Shape, check_dropout_rate
from keras_pixelcnn.layers.conditioning import DeferredConditioning, project
from keras_pixelcnn.layers.dropout import StatelessDropout, recompute
from keras_pixelcnn.layers.shifted_conv2d import ShiftedConv2D


def concat_elu(inputs: tf.Tensor) -> tf.Tensor:
    """Applies ELU to the features and to their negatives: (..., n) to (..., 2 x n).

    References:
        Shang et al. 2016, arXiv 1603.05201, with ELU in the place of ReLU.
    """
    return tf.nn.elu(tf.concat([inputs, -inputs], axis=-1))


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class GatedResidualBlock(keras.layers.Layer):
    """Two shifted convolutions and a gate around which the input flows.

    ::

        shortcut ── concat-ELU ── 1 x 1 ──┐
                                          │
        inputs ─┬── concat-ELU ── k x k ─(+)── concat-ELU ── dropout ── k x k ─┐
                │                                                              │
                │                                         conditioning ───────(+)
                │                                                              │
                └─────────────────────────────────────(+)── content x sigmoid ─┘

    The second convolution begins small, so that a block begins close to the identity.

    Args:
        filters: features of the input and of the output.
        direction: "down" or "down_right"; see `ShiftedConv2D`.
        dropout_rate: share of the features dropped before the second convolution in
            training, in [0, 1). Default 0.
        gradient_checkpointing: whether training keeps only the block's inputs and
            computes what is inside it a second time for the gradient. Default False.

    Call arguments:
        inputs: float tensor (batch, height, width, filters).
        shortcut: None, or a float tensor (batch, height, width, n): what another
            stream, or an earlier layer of this one, gives.
        conditioning: None, or a float tensor that broadcasts to (batch, height, width,
            2 x filters): what is added inside the gate; see `GateConditioning`.
        training: whether dropout is on.

    Returns:
        Float tensor (batch, height, width, filters).

    Raises:
        ValueError: when the rate is out of its range, or the input has not as many
            features as the output.

    References:
        Salimans et al. 2017, arXiv 1701.05517, sections 2.3 to 2.5.
    """

    def __init__(
        self,
        filters: int,
        direction: str,
        dropout_rate: float = 0.0,
        gradient_checkpointing: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_dropout_rate(dropout_rate)
        self.filters = filters
        self.direction = direction
        self.dropout_rate = dropout_rate
        self.gradient_checkpointing = gradient_checkpointing
        shared = {"dtype": self.dtype_policy}
        self.first_conv = ShiftedConv2D(filters, direction, name="first_conv", **shared)
        self.second_conv = ShiftedConv2D(
            2 * filters,
            direction,
            kernel_initializer=keras.initializers.VarianceScaling(
                0.01, "fan_avg", "uniform"
            ),
            name="second_conv",
            **shared,
        )
        # The first convolution's bias serves the shortcut too.
        self.shortcut_conv = keras.layers.Conv2D(
            filters,
            1,
            use_bias=False,
            data_format="channels_last",
            name="shortcut_conv",
            **shared,
        )
        self.has_shortcut = False
        self.dropout = StatelessDropout(dropout_rate, **shared)

    @property
    def conditioning_filters(self) -> int:
        """Features of the conditioning."""
        return 2 * self.filters

    def build(
        self,
        inputs_shape: Shape,
        shortcut_shape: Shape | None = None,
    ) -> None:
        """Builds the convolutions."""
        if inputs_shape[-1] != self.filters:
            raise ValueError(
                "A residual block adds its input to its output, so that the input must "
                f"have filters={self.filters} features. "
                f"Received: inputs of shape {tuple(inputs_shape)}"
            )
        position, doubled = tuple(inputs_shape[:-1]), 2 * self.filters
        self.first_conv.build((*position, doubled))
        self.second_conv.build((*position, doubled))
        if shortcut_shape is not None:
            self.has_shortcut = True
            self.shortcut_conv.build((*position, 2 * shortcut_shape[-1]))
        self.built = True

    def call(
        self,
        inputs: tf.Tensor,
        shortcut: tf.Tensor | None = None,
        conditioning: tf.Tensor | DeferredConditioning | None = None,
        training: bool | None = None,
    ) -> tf.Tensor:
        """Runs all pixels at once."""
        # Drawn outside of what is computed twice, which must drop the same features.
        seed = self.dropout.draw_seed() if training else None

        def run(
            inputs: tf.Tensor,
            shortcut: tf.Tensor | None,
            conditioning: tf.Tensor | DeferredConditioning | None,
        ) -> tf.Tensor:
            outputs = self.first_conv(concat_elu(inputs), training=training)
            if shortcut is not None:
                outputs += self.shortcut_conv(concat_elu(shortcut))
            outputs = concat_elu(outputs)
            if seed is not None:
                outputs = self.dropout(outputs, training=True, dropout_seed=seed)
            outputs = self.second_conv(outputs, training=training)
            if conditioning is not None:
                outputs += project(conditioning)
            return inputs + keras.ops.glu(outputs)

        if training and self.gradient_checkpointing:
            return recompute(run, inputs, shortcut, conditioning)
        return run(inputs, shortcut, conditioning)

    def multiply_adds(
        self,
        inputs_shape: Shape,
        *other_shapes: Shape,
    ) -> int:
        """Counts the multiply-adds of one image, every tap at every pixel.

        Args:
            inputs_shape: (batch, height, width, features); the batch does not count.
            *other_shapes: of the shortcut, whose layer knows it, and of what is only
                added, and does not count.
        """
        _, height, width, _ = inputs_shape
        shape = (None, height, width, 2 * self.filters)
        total = sum(
            layer.multiply_adds(shape) for layer in (self.first_conv, self.second_conv)
        )
        if self.has_shortcut:
            total += height * width * math.prod(self.shortcut_conv.kernel.shape)
        return total

    def steps(self) -> "GatedResidualBlockSteps":
        """Returns the block's row and pixel steps, with the weights as they stand."""
        return GatedResidualBlockSteps(self)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "direction": self.direction,
            "dropout_rate": self.dropout_rate,
            "gradient_checkpointing": self.gradient_checkpointing,
        }


class GatedResidualBlockSteps:
    """The convolutions and kernels that a `GatedResidualBlock`'s steps are made of.

    Args:
        block: a built block, whose weights are read once.
    """

    def __init__(self, block: GatedResidualBlock) -> None:
        self.first_conv = block.first_conv.steps()
        self.second_conv = block.second_conv.steps()
        self.filters = block.filters
        self._shortcut_kernels = []
        if block.has_shortcut:
            kernel = tf.cast(block.shortcut_conv.kernel.value, block.compute_dtype)[
                0, 0
            ]
            parts = kernel.shape[0] // (2 * self.filters)
            kernel = tf.reshape(kernel, [2, parts, self.filters, self.filters])
            self._shortcut_kernels = [
                tf.reshape(kernel[:, part], [2 * self.filters, self.filters])
                for part in range(parts)
            ]

    def shortcut(self, inputs: tf.Tensor, part: int = 0) -> tf.Tensor:
        """Computes what one of the shortcut's concatenated inputs adds.

        Args:
            inputs: (..., filters).
            part: which of them, from 0.

        Returns:
            (..., filters).
        """
        kernel = self._shortcut_kernels[part]
        return tf.tensordot(concat_elu(inputs), kernel, axes=1)
