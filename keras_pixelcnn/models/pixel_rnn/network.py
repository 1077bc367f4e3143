"""The layers of `PixelRNN` and how they are wired."""

from collections.abc import Mapping
from typing import Any

import keras

from keras_pixelcnn.layers.color_groups import check_kernel_size
from keras_pixelcnn.layers.masked_conv2d import MaskedConv2D
from keras_pixelcnn.layers.pixel_rnn_block import PixelRNNBlock
from keras_pixelcnn.likelihoods import PixelLikelihood
from keras_pixelcnn.models.base.block_network import BlockNetwork
from keras_pixelcnn.models.base.conditions import Conditions


class PixelRNNNetwork(BlockNetwork):
    """From images to the parameters of their likelihood; see `PixelRNN`.

    The cells that come from the right begin one column beyond the image, at a pixel
    after the row's last: every feature tells of the pixels before its own, so that
    nothing else would tell the row below of the last pixel.

    Args:
        image_shape: (height, width, channels).
        likelihood: what the parameters mean.
        conditions: which conditions there are: none.
        encoding: the layer that encodes images.
        filters: hidden features of the recurrent layers.
        num_layers: number of these.
        cell: "row_lstm" or "diagonal_bilstm".
        kernel_size: odd kernel of the Row LSTM. Default 3.
        first_kernel_size: odd kernel of the first convolution.
        head_filters: features of the two layers before the last. Default: twice the
            filters.
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
        num_layers: int,
        cell: str,
        kernel_size: int | None,
        first_kernel_size: int,
        head_filters: int | None,
        dtype: Any = None,
    ) -> None:
        check_kernel_size(first_kernel_size, smallest=3)
        shared = {"color_groups": likelihood.color_groups, "dtype": dtype}
        self.first_convolution = MaskedConv2D(
            2 * filters, first_kernel_size, "A", name="first_convolution", **shared
        )
        self.columns_beyond = 1 if cell == "diagonal_bilstm" else 0
        beyond = ((0, 0), (0, self.columns_beyond))
        options = {"data_format": "channels_last", "dtype": dtype}
        self._pad = keras.layers.ZeroPadding2D(beyond, **options)
        self._crop = keras.layers.Cropping2D(beyond, **options)
        kernel_size = 3 if kernel_size is None else kernel_size
        blocks = [
            PixelRNNBlock(filters, cell, kernel_size, name=f"block_{index}", **shared)
            for index in range(num_layers)
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
        del run, features  # nothing is computed anew, and there are no conditions
        if self.columns_beyond:
            image = self._pad(image)
        outputs = self.first_convolution(image, training=training)
        for block in self.blocks:
            outputs = block(outputs, training=training)
        return self._crop(outputs) if self.columns_beyond else outputs

    def block_multiply_adds(self, image_shape: tuple[int | None, ...]) -> int:
        """Multiply-adds of one image up to the head.

        Of diagonals only what lies inside of the image counts.
        """
        batch, height, width, channels = image_shape
        position = (batch, height, width + self.columns_beyond)
        shape = (*position, self.first_convolution.filters)
        total = self.first_convolution.multiply_adds((*position, channels))
        return total + sum(block.multiply_adds(shape) for block in self.blocks)
