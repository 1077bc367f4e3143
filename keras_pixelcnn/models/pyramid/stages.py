"""The stages of a pyramid, as they are wired and as they are scanned."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from keras_pixelcnn.models.gated_pixelcnn.model import GatedNetwork
from keras_pixelcnn.models.gated_pixelcnn.sampling_steps import GatedPixelCNNSteps
from keras_pixelcnn.models.pyramid.coarse_context import (
    CoarseContext,
    coarse_mask,
    spread,
)
from keras_pixelcnn.samplers import (
    BatchSlices,
    Draw,
    KnownPixels,
    RowDraw,
    by_channel,
    raster_scan,
)

if TYPE_CHECKING:
    from keras_pixelcnn.models.pyramid.model import PyramidPixelCNN


@dataclasses.dataclass(frozen=True)
class PyramidStage:
    """A Gated PixelCNN over every so many rows and columns of the image."""

    stride: int
    """Its image is `image[:, ::stride, ::stride]`."""
    network: GatedNetwork
    context: CoarseContext | None
    """What it sees of the stage before it; the first has none."""

    def features(
        self, conditions: Mapping[str, Any] | None, coarse: Any = None
    ) -> dict[str, Any]:
        """Returns the features that are added to the stage's gates, symbolic or not.

        Args:
            conditions: as a `ConditionEncoder` gives them for the whole image.
            coarse: the encoded image of the stage before it.
        """
        features = {} if self.context is None else {"coarse": self.context(coarse)}
        for name, value in (conditions or {}).items():
            is_map = len(value.shape) == 4
            features[name] = self.part(value) if is_map else value
        return features

    def part(self, image: Any) -> Any:
        """Returns the stage's part of whole images or maps."""
        return image if self.stride == 1 else image[:, :: self.stride, :: self.stride]


def order_of(image_shape: tuple[int, int, int], strides: list[int]) -> np.ndarray:
    """Rows and columns in the order of the stages: int (pixels, 2)."""
    height, width, _ = image_shape
    order, known = [], np.zeros((height, width), bool)
    for stride in strides:
        now = np.zeros_like(known)
        now[::stride, ::stride] = True
        order.append(np.argwhere(now & ~known))
        known |= now
    return np.concatenate(order)


def scan_stages(
    model: "PyramidPixelCNN",
    draw: Draw,
    conditions: Mapping[str, tf.Tensor],
    slices: BatchSlices,
    known: KnownPixels | None,
) -> tf.Tensor:
    """Visits the stages, each by its own steps; see `scan_by_steps` of models.

    Pixels of the stage before are given: nothing is drawn there.
    """
    encoded_conditions = None
    if model.condition_encoder is not None:
        encoded_conditions = model.condition_encoder(conditions, training=False)
    image = None
    for stage in model.stages:
        height, width, channels = stage.network.image_shape
        own = known and KnownPixels(*map(stage.part, known))
        own_draw, coarse = _strided(draw, stage.stride), None
        if image is not None:
            coarse = tf.reshape(image, [-1, *image.shape[2:]])
            own = _with_coarse(spread(coarse, height, width), own)
            own_draw = _around_coarse(own_draw, spread(image, height, width))
            coarse = model.encoding(coarse)
        features = stage.features(encoded_conditions, coarse)
        steps = GatedPixelCNNSteps(stage.network, features or None)
        image = raster_scan(
            by_channel(steps, model.pixel_likelihood),
            own_draw,
            (height, width, channels),
            slices,
            own,
        )
    return image


def _with_coarse(given: tf.Tensor, known: KnownPixels | None) -> KnownPixels:
    """Adds the coarse pixels to those that are known."""
    mask = coarse_mask(*given.shape[1:3])
    if known is None:
        return KnownPixels(given, tf.broadcast_to(mask, tf.shape(given)))
    return KnownPixels(tf.where(mask, given, known.image), mask | known.mask)


def _strided(draw: Draw, stride: int) -> Draw:
    """Draws the values of a stage's places, where they lie in the image."""

    def draw_row(index: tf.Tensor | int, row: tf.Tensor) -> RowDraw:
        draw_value = draw(index, row * stride)

        def draw_strided(
            column: tf.Tensor, channel: int, parameters: tf.Tensor
        ) -> tf.Tensor:
            return draw_value(column * stride, channel, parameters)

        return draw_strided

    return draw_row


def _around_coarse(draw: Draw, given: tf.Tensor) -> Draw:
    """Gives the coarse pixels as they are, and draws the others.

    Args:
        draw: of the others.
        given: int32 (slices, examples, height, width, channels).
    """
    values = tf.transpose(given, [0, 2, 3, 4, 1])  # a step reads neighbouring values

    def draw_row(index: tf.Tensor | int, row: tf.Tensor) -> RowDraw:
        draw_value = draw(index, row)

        def draw_others(
            column: tf.Tensor, channel: int, parameters: tf.Tensor
        ) -> tf.Tensor:
            # A branch and no choice between values: a codec is not to be asked.
            return tf.cond(
                tf.equal(row % 2 + column % 2, 0),
                lambda: values[index, row, column, channel],
                lambda: draw_value(column, channel, parameters),
            )

        return draw_others

    return draw_row
