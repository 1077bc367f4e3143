"""The layers of `PixelCNN` and how they are wired."""

from collections.abc import Mapping
from typing import Any

import keras

from keras_pixelcnn.layers.color_groups import check_kernel_size
from keras_pixelcnn.layers.masked_conv2d import MaskedConv2D
from keras_pixelcnn.layers.pixelcnn_block import PixelCNNBlock
from keras_pixelcnn.likelihoods import PixelLikelihood
from keras_pixelcnn.models.base.block_network import BlockNetwork
from keras_pixelcnn.models.base.conditions import Conditions


class PixelCNNNetwork(BlockNetwork):
    """From a model's inputs to the parameters of its likelihood; see `PixelCNN`.

    Args:
        image_shape: (height, width, channels).
        likelihood: what the parameters mean.
        conditions: which conditions there are.
        encoding: the layer that encodes images.
        filters: features of the blocks' k x k convolutions.
        num_blocks: number of blocks.
        kernel_size: odd kernel of the blocks.
        first_kernel_size: odd kernel of the first convolution.
        head_filters: features of the two layers before the last. Default: twice the
            filters.
        dropout_rate: share of features dropped in training.
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
        check_kernel_size(first_kernel_size, smallest=3)
        shared = {"color_groups": likelihood.color_groups, "dtype": dtype}
        self.first_convolution = MaskedConv2D(
            2 * filters, first_kernel_size, "A", name="first_convolution", **shared
        )
        blocks = [
            PixelCNNBlock(
                filters,
                kernel_size,
                dropout_rate=dropout_rate,
                name=f"block_{index}",
                **shared,
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
            head_filters=2 * filters if head_filters is None else head_filters,
            num_heads=2,
            dtype=dtype,
        )

    def run_blocks(
        self, run: Any, image: Any, features: Mapping[str, Any], training: bool | None
    ) -> Any:
        """From the encoded image to what the head takes; see `BlockNetwork`."""
        outputs = self.first_convolution(image, training=training)
        for block, conditioning in zip(self.blocks, self.conditionings, strict=True):
            outputs, features = run(block, conditioning, (outputs,), features, training)
        return outputs

    def block_multiply_adds(self, image_shape: tuple[int | None, ...]) -> int:
        """Multiply-adds of one image up to the head."""
        shape = (*image_shape[:-1], self.first_convolution.filters)
        total = self.first_convolution.multiply_adds(image_shape)
        return total + sum(block.multiply_adds(shape) for block in self.blocks)
