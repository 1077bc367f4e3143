"""The layers of `GatedPixelCNN` and how they are wired."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn.layers import (
    ConditionEncoder,
    GateConditioning,
    GatedPixelCNNBlock,
)
from keras_pixelcnn.layers.masked_conv2d import MaskedProduct
from keras_pixelcnn.likelihoods import Categorical
from keras_pixelcnn.models.conditions import Conditions


class GatedPixelCNNNetwork:
    """From a model's inputs to the parameters of its likelihood; see `GatedPixelCNN`.

    One wiring for both ways of training: the functional model is this on symbolic
    inputs, and with `gradient_checkpointing` a training step runs it anew.

    Args:
        image_shape: (height, width, channels).
        likelihood: what the parameters mean.
        conditions: which conditions there are.
        filters: features of each stack.
        num_blocks: number of blocks.
        kernel_size: odd kernel of the blocks after the first.
        first_kernel_size: odd kernel of the first block.
        head_filters: features of the skip outputs. Default: `filters`.
        dropout_rate: share of gated features dropped in training.
        dtype: dtype policy of the layers. Default: Keras's global policy.

    Raises:
        ValueError: on arguments out of their ranges.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        likelihood: Categorical,
        conditions: Conditions,
        *,
        filters: int,
        num_blocks: int,
        kernel_size: int,
        first_kernel_size: int,
        head_filters: int | None = None,
        dropout_rate: float = 0.0,
        dtype: Any = None,
    ) -> None:
        channels = image_shape[-1]
        shared = {"color_groups": channels, "dtype": dtype}
        self.encoding = keras.layers.Rescaling(
            2.0 / (likelihood.num_levels - 1),
            offset=-1.0,
            dtype="float32",  # low precision cannot hold large levels
            name="encoding",
        )
        self.blocks = [
            GatedPixelCNNBlock(
                filters,
                kernel_size if index else first_kernel_size,
                mask_type="B" if index else "A",
                skip_filters=head_filters,
                dropout_rate=dropout_rate,
                skip_only=index == num_blocks - 1,
                name=f"block_{index}",
                **shared,
            )
            for index in range(num_blocks)
        ]
        self.condition_encoder, self.conditionings = None, [None] * num_blocks
        if conditions.names:
            self._add_conditioning(image_shape, conditions, filters, dtype)
        skip_filters = self.blocks[0].skip_filters
        self.head = MaskedProduct(skip_filters, name="head", **shared)
        # Likelihoods stay exact under mixed precision.
        self.parameters = MaskedProduct(
            channels * likelihood.num_parameters,
            name="parameters",
            **{**shared, "dtype": "float32"},
        )
        self._by_level = keras.layers.Reshape(
            (*image_shape, likelihood.num_parameters), dtype="float32"
        )

    def _add_conditioning(
        self,
        image_shape: tuple[int, int, int],
        conditions: Conditions,
        map_filters: int,
        dtype: Any,
    ) -> None:
        self.condition_encoder = ConditionEncoder(
            image_shape[:2],
            conditions.num_classes,
            map_filters=map_filters,
            dropout_rate=conditions.dropout_rate,
            dtype=dtype,
            name="condition_encoder",
        )
        self.conditionings = [
            GateConditioning(
                block.conditioning_filters, dtype=dtype, name=f"conditioning_{index}"
            )
            for index, block in enumerate(self.blocks)
        ]

    def __call__(
        self,
        inputs: Mapping[str, Any],
        training: bool | None = None,
        gradient_checkpointing: bool = False,
    ) -> Any:
        """Runs the whole pass.

        Args:
            inputs: images (batch, height, width, channels) as "image", and the
                conditions by their names; symbolic ones wire the functional model.
            training: whether dropout is on.
            gradient_checkpointing: whether the backward pass computes what is inside
                the blocks anew, instead of keeping it.

        Returns:
            The likelihood's parameters, float32 (batch, height, width, channels, n).
        """
        features = {}
        if self.condition_encoder is not None:
            given = {name: inputs[name] for name in inputs if name != "image"}
            features = self.condition_encoder(given, training=training)
        run = _run_and_recompute if gradient_checkpointing else _run
        vertical = horizontal = self.encoding(inputs["image"])
        skips = []
        for block, conditioning in zip(self.blocks, self.conditionings, strict=True):
            stacks = (vertical, horizontal)
            outputs, features = run(block, conditioning, stacks, features, training)
            if block.skip_only:
                skips.append(outputs)
            else:
                vertical, horizontal, skip = outputs
                skips.append(skip)
        outputs = keras.ops.relu(functools.reduce(keras.ops.add, skips))
        return self._by_level(self.parameters(keras.ops.relu(self.head(outputs))))

    def multiply_adds(self, inputs: Mapping[str, keras.KerasTensor]) -> int:
        """Multiply-adds of one image that the masks leave open.

        Args:
            inputs: symbolic inputs by name, as for a call.
        """
        *position, channels = inputs["image"].shape
        shape, total = (*position, channels), 0
        for block in self.blocks:
            total += block.multiply_adds(shape, shape)
            shape = (*position, block.filters)
        for layer in (self.head, self.parameters):
            total += layer.multiply_adds((*position, self.head.filters))
        if self.condition_encoder is not None:
            given = {name: tensor.shape for name, tensor in inputs.items()}
            features = self.condition_encoder.compute_output_spec(inputs)
            features = {name: tensor.shape for name, tensor in features.items()}
            total += self.condition_encoder.multiply_adds(given)
            total += sum(layer.multiply_adds(features) for layer in self.conditionings)
        return total


def _run(
    block: GatedPixelCNNBlock,
    conditioning: GateConditioning | None,
    stacks: tuple[Any, Any],
    features: Mapping[str, Any],
    training: bool | None,
    dropout_seeds: Sequence[tf.Tensor | None] = (None, None),
) -> tuple[Any, Mapping[str, Any]]:
    """One block with its conditioning, and the features for the next one's."""
    added = None if conditioning is None else conditioning(features)
    outputs = block(*stacks, added, training=training, dropout_seeds=dropout_seeds)
    return outputs, features


def _run_and_recompute(
    block: GatedPixelCNNBlock,
    conditioning: GateConditioning | None,
    stacks: tuple[tf.Tensor, tf.Tensor],
    features: Mapping[str, tf.Tensor],
    training: bool | None,
) -> tuple[Any, Mapping[str, tf.Tensor]]:
    """The same, of which the backward pass keeps only what goes in.

    That the features come out again makes their gradient a sum from block to block;
    else that of each block would be kept until all are there.
    """
    # Drawn once: the second time must drop what the first has dropped.
    dropout_seeds = block.draw_dropout_seeds() if training else (None, None)

    def run(stacks: Any, features: Any) -> Any:
        # Else what needs no more than the features would be computed ahead, for all
        # blocks at once.
        with tf.control_dependencies(stacks):
            return _run(block, conditioning, stacks, features, training, dropout_seeds)

    return keras.remat(run)(stacks, features)
