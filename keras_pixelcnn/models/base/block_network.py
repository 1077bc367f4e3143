"""What networks of equal blocks share: both ends, conditions, recomputation."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn.layers import GateConditioning
from keras_pixelcnn.layers.masked_conv2d import MaskedProduct
from keras_pixelcnn.likelihoods import PixelLikelihood
from keras_pixelcnn.models.base.conditions import Conditions
from keras_pixelcnn.models.base.network import Network


class BlockNetwork(Network):
    """A network of equal blocks, but for the blocks.

    A subclass makes the blocks and overrides `run_blocks` and `block_multiply_adds`.

    Args:
        image_shape: (height, width, channels).
        likelihood: what the parameters mean.
        conditions: which conditions there are.
        encoding: the layer that encodes images.
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
        encoding: keras.layers.Layer,
        blocks: Sequence[keras.layers.Layer],
        *,
        map_filters: int,
        head_filters: int,
        num_heads: int = 1,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            image_shape, conditions, encoding, map_filters=map_filters, dtype=dtype
        )
        self.blocks = list(blocks)
        self.conditionings = [None] * len(blocks)
        if self.condition_encoder is not None:
            self.conditionings = [
                GateConditioning(
                    block.conditioning_filters,
                    dtype=dtype,
                    name=f"conditioning_{index}",
                )
                for index, block in enumerate(self.blocks)
            ]
        self.heads = [
            MaskedProduct(
                head_filters,
                likelihood.color_groups,
                name=f"head_{index}" if num_heads > 1 else "head",
                dtype=dtype,
            )
            for index in range(num_heads)
        ]
        self.add_parameters(likelihood)

    def run(
        self,
        image: Any,
        features: Mapping[str, Any],
        training: bool | None,
        gradient_checkpointing: bool,
    ) -> Any:
        """Runs the blocks and the heads; see `Network`."""
        run = run_and_recompute if gradient_checkpointing else run_block
        outputs = self.run_blocks(run, image, features, training)
        for head in self.heads:
            outputs = head(keras.ops.relu(outputs))
        return keras.ops.relu(outputs)

    def run_blocks(
        self, run: Any, image: Any, features: Mapping[str, Any], training: bool | None
    ) -> Any:
        """From the encoded image to what the head takes, before its ReLU.

        Args:
            run: `run_block` or `run_and_recompute`, for each block.
            image: float tensor (batch, height, width, features).
            features: what the condition encoder returns; {} without conditions.
            training: whether dropout is on.
        """
        raise NotImplementedError

    def block_multiply_adds(self, image_shape: tuple[int | None, ...]) -> int:
        """Multiply-adds of one image up to the head.

        Args:
            image_shape: of the encoded images, (batch, height, width, features).
        """
        raise NotImplementedError

    def middle_multiply_adds(
        self,
        image_shape: tuple[int | None, ...],
        features: Mapping[str, tuple[int | None, ...]],
    ) -> int:
        """Those of the blocks, their conditions and the heads; see `Network`."""
        total = self.block_multiply_adds(image_shape)
        for head in self.heads:
            total += head.multiply_adds((*image_shape[:-1], head.kernel.shape[-2]))
        if features:
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
