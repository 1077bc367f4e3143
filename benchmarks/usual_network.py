"""The Gated PixelCNN as it is usually built: full kernels, multiplied by a mask.

The same network as `keras_pixelcnn.GatedPixelCNN`, in plain Keras layers: what its
training is measured against. Closed taps are multiplied by zero and cost what open
ones cost.
"""

from typing import Any

import keras
import numpy as np


class MaskedConvolution(keras.layers.Conv2D):
    """A convolution whose kernel is multiplied by a mask in every call.

    Args:
        filters: number of output features.
        kernel_size: (height, width), odd.
        stack: "vertical" opens the rows above and, for type B, the centre's row;
            "horizontal" opens the centre's row up to the centre.
        mask_type: "A" for the image, "B" for features.
        color_groups: number of colour channels whose order is kept.
        **kwargs: as for `keras.layers.Conv2D`.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: tuple[int, int],
        stack: str,
        mask_type: str,
        color_groups: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(filters, kernel_size, padding="same", **kwargs)
        self.stack = stack
        self.mask_type = mask_type
        self.color_groups = color_groups

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the kernel and its mask."""
        super().build(input_shape)
        mask = np.zeros(self.kernel.shape, "float32")
        row, column = (size // 2 for size in self.kernel_size)
        if self.stack == "vertical":
            mask[: row + (self.mask_type == "B")] = 1
        else:
            mask[row, :column] = 1
            mask[row, column] = self._centre(input_shape[-1])
        self.mask = mask

    def _centre(self, features: int) -> np.ndarray:
        """Tells which features a filter sees at its own pixel: (features, filters)."""
        inputs, outputs = (
            np.arange(count) * self.color_groups // count
            for count in (features, self.filters)
        )
        compare = np.less if self.mask_type == "A" else np.less_equal
        return compare(inputs[:, np.newaxis], outputs)

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Convolves with the masked kernel (a hook of Conv2D)."""
        return super().convolution_op(inputs, kernel * self.mask)


def usual_network(
    image_shape: tuple[int, int, int],
    filters: int,
    num_blocks: int,
    kernel_size: int,
    num_levels: int = 256,
    first_kernel_size: int = 7,
    full_kernels: bool = True,
) -> keras.Model:
    """Builds the network.

    Args:
        image_shape: (height, width, channels).
        filters: features of each stack.
        num_blocks: number of blocks.
        kernel_size: kernel of the blocks after the first.
        num_levels: number of pixel values.
        first_kernel_size: kernel of the first block.
        full_kernels: whether the horizontal stack has k x k kernels, of which the mask
            opens one row, or 1 x k.

    Returns:
        A model from images of integers in [0, num_levels) to logits, (batch, height,
        width, channels, num_levels).
    """
    channels = image_shape[-1]
    image = keras.Input(image_shape, dtype="int32")
    vertical = horizontal = keras.layers.Rescaling(2 / (num_levels - 1), -1.0)(image)
    skips = []
    for index in range(num_blocks):
        kernel, mask_type = (kernel_size, "B") if index else (first_kernel_size, "A")
        vertical = MaskedConvolution(
            2 * filters,
            (kernel, kernel),
            "vertical",
            mask_type,
            name=f"vertical_{index}",
        )(vertical)
        link = keras.layers.Conv2D(
            2 * filters, 1, use_bias=False, name=f"link_{index}"
        )(vertical)
        gated = MaskedConvolution(
            2 * filters,
            (kernel if full_kernels else 1, kernel),
            "horizontal",
            mask_type,
            channels,
            name=f"horizontal_{index}",
        )(horizontal)
        gated = _gate(keras.layers.Add()([gated, link]), channels)
        skips.append(_pointwise(filters, channels, name=f"skip_{index}")(gated))
        outputs = _pointwise(
            filters, channels, use_bias=False, name=f"residual_{index}"
        )(gated)
        if index:
            outputs = keras.layers.Add()([horizontal, outputs])
        vertical, horizontal = _gate(vertical), outputs
    outputs = skips[0] if num_blocks == 1 else keras.layers.Add()(skips)
    outputs = keras.layers.ReLU()(outputs)
    outputs = _pointwise(filters, channels, name="head")(outputs)
    outputs = keras.layers.ReLU()(outputs)
    outputs = _pointwise(channels * num_levels, channels, name="logits")(outputs)
    outputs = keras.layers.Reshape((*image_shape, num_levels))(outputs)
    return keras.Model(image, outputs)


def _pointwise(filters: int, channels: int, **kwargs: Any) -> MaskedConvolution:
    return MaskedConvolution(filters, (1, 1), "horizontal", "B", channels, **kwargs)


def _gate(inputs: Any, color_groups: int = 1) -> Any:
    """Multiplies tanh of half of each group's features by the other's sigmoid."""
    parts = keras.ops.split(inputs, 2 * color_groups, axis=-1)
    content = keras.ops.concatenate(parts[::2], axis=-1)
    opening = keras.ops.concatenate(parts[1::2], axis=-1)
    return keras.ops.tanh(content) * keras.ops.sigmoid(opening)
