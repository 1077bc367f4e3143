"""The layers of `GatedPixelCNN` and how they are wired."""

import functools
from collections.abc import Mapping
from typing import Any

import keras

from keras_pixelcnn.layers import GatedPixelCNNBlock
from keras_pixelcnn.likelihoods import PixelLikelihood
from keras_pixelcnn.models.base.block_network import BlockNetwork
from keras_pixelcnn.models.base.conditions import Conditions


class GatedPixelCNNNetwork(BlockNetwork):
    """From a model's inputs to the parameters of its likelihood; see `GatedPixelCNN`.

    Args:
        image_shape: (height, width, channels).
        likelihood: what the parameters mean.
        conditions: which conditions there are.
        encoding: the layer that encodes images.
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
        likelihood: PixelLikelihood,
        conditions: Conditions,
        encoding: keras.layers.Layer,
        *,
        filters: int,
        num_blocks: int,
        kernel_size: int,
        first_kernel_size: int,
        head_filters: int | None = None,
        dropout_rate: float = 0.0,
        dtype: Any = None,
    ) -> None:
        blocks = [
            GatedPixelCNNBlock(
                filters,
                kernel_size if index else first_kernel_size,
                mask_type="B" if index else "A",
                skip_filters=head_filters,
                color_groups=likelihood.color_groups,
                dropout_rate=dropout_rate,
                skip_only=index == num_blocks - 1,
                dtype=dtype,
                name=f"block_{index}",
            )
            for index in range(num_blocks)
        ]
        super().__init__(
            image_shape,
            likelihood,
            conditions,
            encoding,
            blocks,
            map_filters=filters,
            head_filters=blocks[0].skip_filters,
            dtype=dtype,
        )

    def run_blocks(
        self, run: Any, image: Any, features: Mapping[str, Any], training: bool | None
    ) -> Any:
        """From the encoded image to what the head takes; see `BlockNetwork`."""
        stacks, skips = (image, image), []
        for block, conditioning in zip(self.blocks, self.conditionings, strict=True):
            outputs, features = run(block, conditioning, stacks, features, training)
            if block.skip_only:
                outputs = (outputs,)
            *stacks, skip = outputs
            skips.append(skip)
        return functools.reduce(keras.ops.add, skips)

    def block_multiply_adds(self, image_shape: tuple[int | None, ...]) -> int:
        """Multiply-adds of one image up to the head."""
        shape, total = image_shape, 0
        for block in self.blocks:
            total += block.multiply_adds(shape, shape)
            shape = (*image_shape[:-1], block.filters)
        return total
