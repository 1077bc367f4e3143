"""What networks of equal blocks share: both ends, conditions, recomputation."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn.layers import ConditionEncoder, GateConditioning
from keras_pixelcnn.layers.masked_conv2d import MaskedProduct
from keras_pixelcnn.likelihoods import PixelLikelihood
from keras_pixelcnn.models.conditions import Conditions


class BlockNetwork:
    """From a model's inputs to the parameters of its likelihood, but for the middle.

    One wiring for both ways of training: the functional model is this on symbolic
    inputs, and with recomputation a training step runs it anew. A subclass makes the
    blocks and overrides `run_blocks` and `block_multiply_adds`.

    Args:
        image_shape: (height, width, channels).
        likelihood: what the parameters mean.
        conditions: which conditions there are.
        blocks: layers that know their `conditioning_filters`.
        map_filters: features that a spatial map is brought to.
        head_filters: features of each 1x1 layer between the blocks and the parameters.
        num_heads: number of these layers. Default 1.
        dtype: dtype policy of the layers. Default: Keras's global policy.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        likelihood: PixelLikelihood,
        conditions: Conditions,
        blocks: Sequence[keras.layers.Layer],
        *,
        map_filters: int,
        head_filters: int,
        num_heads: int = 1,
        dtype: Any = None,
    ) -> None:
        self.encoding = keras.layers.Rescaling(
            2.0 / (likelihood.num_levels - 1),
            offset=-1.0,
            dtype="float32",  # low precision cannot hold large levels
            name="encoding",
        )
        self.blocks = list(blocks)
        self.condition_encoder, self.conditionings = None, [None] * len(blocks)
        if conditions.names:
            self._add_conditioning(image_shape, conditions, map_filters, dtype)
        groups = likelihood.color_groups
        self.heads = [
            MaskedProduct(
                head_filters,
                groups,
                name=f"head_{index}" if num_heads > 1 else "head",
                dtype=dtype,
            )
            for index in range(num_heads)
        ]
        # Likelihoods stay exact under mixed precision.
        self.parameters = MaskedProduct(
            math.prod(likelihood.pixel_shape),
            groups,
            name="parameters",
            dtype="float32",
        )
        self._by_pixel = keras.layers.Reshape(
            (*image_shape[:2], *likelihood.pixel_shape), dtype="float32"
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
            The likelihood's parameters, float32 (batch, height, width, *pixel_shape).
        """
        features = {}
        if self.condition_encoder is not None:
            given = {name: inputs[name] for name in inputs if name != "image"}
            features = self.condition_encoder(given, training=training)
        run = run_and_recompute if gradient_checkpointing else run_block
        outputs = self.run_blocks(
            run, self.encoding(inputs["image"]), features, training
        )
        for head in self.heads:
            outputs = head(keras.ops.relu(outputs))
        return self._by_pixel(self.parameters(keras.ops.relu(outputs)))

    def run_blocks(
        self, run: Any, image: Any, features: Mapping[str, Any], training: bool | None
    ) -> Any:
        """From the encoded image to what the head takes, before its ReLU.

        Args:
            run: `run_block` or `run_and_recompute`, for each block.
            image: float tensor (batch, height, width, channels).
            features: what the condition encoder returns; {} without conditions.
            training: whether dropout is on.
        """
        raise NotImplementedError

    def block_multiply_adds(self, image_shape: tuple[int | None, ...]) -> int:
        """Multiply-adds of one image up to the head."""
        raise NotImplementedError

    def multiply_adds(self, inputs: Mapping[str, keras.KerasTensor]) -> int:
        """Multiply-adds of one image that the masks leave open.

        Args:
            inputs: symbolic inputs by name, as for a call.
        """
        image_shape = tuple(inputs["image"].shape)
        total = self.block_multiply_adds(image_shape)
        for layer in (*self.heads, self.parameters):
            features = layer.kernel.shape[-2]
            total += layer.multiply_adds((*image_shape[:-1], features))
        if self.condition_encoder is not None:
            given = {name: tensor.shape for name, tensor in inputs.items()}
            features = self.condition_encoder.compute_output_spec(inputs)
            features = {name: tensor.shape for name, tensor in features.items()}
            total += self.condition_encoder.multiply_adds(given)
            total += sum(layer.multiply_adds(features) for layer in self.conditionings)
        return total


def run_block(
    block: keras.layers.Layer,
    conditioning: GateConditioning | None,
    inputs: tuple[Any, ...],
    features: Mapping[str, Any],
    training: bool | None,
    **arguments: Any,
) -> tuple[Any, Mapping[str, Any]]:
    """One block with its conditioning, and the features for the next one's."""
    added = None if conditioning is None else conditioning(features)
    outputs = block(*inputs, added, training=training, **arguments)
    return outputs, features


def run_and_recompute(
    block: keras.layers.Layer,
    conditioning: GateConditioning | None,
    inputs: tuple[Any, ...],
    features: Mapping[str, Any],
    training: bool | None,
) -> tuple[Any, Mapping[str, Any]]:
    """The same, of which the backward pass keeps only what goes in.

    That the features come out again makes their gradient a sum from block to block;
    else that of each block would be kept until all are there.
    """
    # Drawn once: the second time must drop what the first has dropped.
    arguments = {"dropout_seeds": block.draw_dropout_seeds()} if training else {}

    def run(inputs: Any, features: Any) -> Any:
        # Else what needs no more than the features would be computed ahead, for all
        # blocks at once.
        with tf.control_dependencies(inputs):
            return run_block(
                block, conditioning, inputs, features, training, **arguments
            )

    return keras.remat(run)(inputs, features)
