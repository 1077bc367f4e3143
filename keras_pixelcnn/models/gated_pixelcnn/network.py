"""The network of a Gated PixelCNN, from the encoded image to the parameters."""

import functools
import math
import numbers
from collections.abc import Mapping
from typing import Any

import keras

from keras_pixelcnn.checks import check_positive
from keras_pixelcnn.layers import GateConditioning, GatedPixelCNNBlock
from keras_pixelcnn.layers.color_groups import complete_filters
from keras_pixelcnn.layers.masked_conv2d import MaskedProduct
from keras_pixelcnn.likelihoods import PixelLikelihood


class GatedNetwork:
    """Blocks, conditionings and head of a Gated PixelCNN, as a model wires them.

    Args:
        image_shape: (height, width, channels).
        encoding: the layer that the image has gone through.
        likelihood: whose parameters come out.
        is_conditional: whether features of conditions are added to the gates.
        filters: as this and the following, see `GatedPixelCNN`.
        num_blocks: as there.
        kernel_size: as there.
        first_kernel_size: as there.
        head_filters: as there.
        dropout_rate: as there.
        gradient_checkpointing: as there.
        vertical_gain: as there.
        dtype: as there.
        prefix: what the names of the layers begin with. Default: nothing.

    Call arguments:
        encoded: the encoded image, symbolic (batch, height, width, features).
        features: what a `ConditionEncoder` returns; of conditional networks alone.

    Returns:
        The parameters, symbolic float32 (batch, height, width, n).

    Raises:
        ValueError: on arguments out of their ranges.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        encoding: Any,
        likelihood: PixelLikelihood,
        *,
        is_conditional: bool,
        filters: int | None,
        num_blocks: int,
        kernel_size: int,
        first_kernel_size: int,
        head_filters: int | None,
        dropout_rate: float,
        gradient_checkpointing: bool,
        vertical_gain: float,
        dtype: Any,
        prefix: str = "",
    ) -> None:
        check_positive("num_blocks", num_blocks)
        _check_gain(vertical_gain)
        groups = likelihood.color_groups
        self.image_shape = image_shape
        self.encoding = encoding
        self.filters = complete_filters(filters, head_filters, groups)
        self.blocks = [
            GatedPixelCNNBlock(
                self.filters,
                kernel_size if index else first_kernel_size,
                mask_type="B" if index else "A",
                skip_filters=head_filters,
                color_groups=groups,
                dropout_rate=dropout_rate,
                skip_only=index == num_blocks - 1,
                gradient_checkpointing=gradient_checkpointing,
                vertical_gain=vertical_gain,
                dtype=dtype,
                name=f"{prefix}block_{index}",
            )
            for index in range(num_blocks)
        ]
        self.conditionings = [
            GateConditioning(
                block.conditioning_filters,
                defers_maps=gradient_checkpointing,
                dtype=dtype,
                name=f"{prefix}conditioning_{index}",
            )
            for index, block in enumerate(self.blocks)
            if is_conditional
        ]
        self.head = MaskedProduct(
            self.blocks[0].skip_filters, groups, dtype=dtype, name=f"{prefix}head"
        )
        # Likelihoods stay exact under mixed precision.
        self.parameters = MaskedProduct(
            math.prod(likelihood.pixel_shape),
            groups,
            dtype="float32",
            name=f"{prefix}parameters",
        )

    def __call__(self, encoded: Any, features: Mapping[str, Any] | None = None) -> Any:
        """Wires the layers; see the class."""
        added = [None] * len(self.blocks)
        if self.conditionings:
            added = [conditioning(features) for conditioning in self.conditionings]
        vertical, horizontal, skips = encoded, encoded, []
        for block, conditioning in zip(self.blocks[:-1], added[:-1], strict=True):
            vertical, horizontal, skip = block(vertical, horizontal, conditioning)
            skips.append(skip)
        skips.append(self.blocks[-1](vertical, horizontal, added[-1]))
        outputs = functools.reduce(keras.ops.add, skips)
        outputs = self.head(keras.ops.relu(outputs))
        return self.parameters(keras.ops.relu(outputs))


def _check_gain(gain: Any) -> None:
    is_number = isinstance(gain, numbers.Real) and not isinstance(gain, bool)
    if not is_number or not 0 < gain < math.inf:
        raise ValueError(
            f"vertical_gain must be a number above 0. Received: vertical_gain={gain!r}"
        )
