"""The parts of a pyramid's image: where they lie, their layers, and the scan over them.

`PyramidPixelCNN.__init__` wires them. In training and scoring a part's context sees the
image's own pixels between which the part's lie; in the scan it sees those drawn so far,
which are the same ones.
"""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn.checks import sizes_of
from keras_pixelcnn.models.gated_pixelcnn.model import GatedNetwork
from keras_pixelcnn.models.gated_pixelcnn.sampling_steps import GatedPixelCNNSteps
from keras_pixelcnn.models.pyramid.coarse_context import CoarseContext
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
class Lattice:
    """Every so many rows and columns of an image."""

    rows: tuple[int, int]
    """The first row, and how far it is to the next."""
    columns: tuple[int, int]

    def of(self, image: Any) -> Any:
        """Returns these pixels of (..., height, width, n)."""
        (row, row_stride), (column, column_stride) = self.rows, self.columns
        return image[..., row::row_stride, column::column_stride, :]

    def size(self, image_size: tuple[int, int]) -> tuple[int, int]:
        """Counts the rows and columns of an image that are of it."""
        height, width = (
            len(range(first, length, stride))
            for length, (first, stride) in zip(
                image_size, (self.rows, self.columns), strict=True
            )
        )
        return height, width

    def in_its_own_rows(self, draw: Draw) -> Draw:
        """Lets `draw`, which counts the image's rows and columns, count these."""
        (first_row, row_stride), (first_column, column_stride) = self.rows, self.columns

        def draw_row(index: tf.Tensor | int, row: tf.Tensor) -> RowDraw:
            draw_value = draw(index, first_row + row * row_stride)

            def draw_here(
                column: tf.Tensor, channel: int, parameters: tf.Tensor
            ) -> tf.Tensor:
                place = first_column + column * column_stride
                return draw_value(place, channel, parameters)

            return draw_here

        return draw_row


def stage_lattice(stage: int, num_stages: int) -> Lattice:
    """Returns the pixels of a stage's image."""
    stride = 2 ** (num_stages - 1 - stage)
    return Lattice((0, stride), (0, stride))


class Place(NamedTuple):
    """Where a part of the image lies."""

    name: str
    """Of its role, which is the same whatever the image's size."""
    stage: int
    pixels: Lattice
    between: Lattice | None
    """The pixels between which these lie; the first part has none."""


def places_of_parts(image_size: tuple[int, int], num_stages: int) -> list[Place]:
    """Cuts an image: the coarsest stage's, then the columns and the rows between.

    Each part but the first doubles what is known, or nearly, where sizes are odd.
    """
    places = [Place("stage_0_", 0, stage_lattice(0, num_stages), None)]
    for stage in range(1, num_stages):
        coarser = stage_lattice(stage - 1, num_stages)
        _, stride = coarser.rows
        half = stride // 2
        columns = Lattice((0, stride), (half, stride))
        places.append(Place(f"stage_{stage}_columns_", stage, columns, coarser))
        wider = Lattice((0, stride), (0, half))
        rows = Lattice((half, stride), (0, half))
        places.append(Place(f"stage_{stage}_rows_", stage, rows, wider))
    return [place for place in places if all(place.pixels.size(image_size))]


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class Interleave(keras.layers.Layer):
    """Puts rows between rows, or columns between columns.

    Args:
        axis: -3 for rows, -2 for columns.

    Call arguments:
        first: tensor (..., height, width, n).
        second: the same, or one less along the axis: what follows each of them.

    Returns:
        Tensor (..., height, width, n), with both along the axis.
    """

    def __init__(self, axis: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
        """Joins whole batches."""
        missing = first.shape[self.axis] - second.shape[self.axis]
        paddings = np.zeros((first.shape.rank, 2), int)
        paddings[self.axis, 1] = missing
        # Side by side along the next axis a pair is twice as long a piece of this one.
        pairs = tf.concat([first, tf.pad(second, paddings)], axis=self.axis + 1)
        sizes = sizes_of(first)
        sizes[self.axis] *= 2
        pairs = tf.reshape(pairs, sizes)
        if self.axis == -3:
            return pairs[..., : sizes[-3] - missing, :, :]
        return pairs[..., : sizes[-2] - missing, :]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "axis": self.axis}


@dataclasses.dataclass(frozen=True)
class PyramidPart:
    """A Gated PixelCNN over one of the parts of the image."""

    pixels: Lattice
    between: Lattice | None
    """The pixels between which these lie; the first part has none."""
    network: GatedNetwork
    context: CoarseContext | None
    """What it sees of the pixels between which its own lie."""
    join: Interleave | None
    """Puts its features, or its pixels, between those of the parts before."""

    def features(
        self, conditions: Mapping[str, Any] | None, coarser: Any = None
    ) -> dict[str, Any]:
        """Returns the features that are added to the part's gates, symbolic or not.

        Args:
            conditions: as a `ConditionEncoder` gives them for the whole image.
            coarser: the encoded pixels between which the part's lie.
        """
        features = {} if self.context is None else {"coarse": self.context(coarser)}
        for name, value in (conditions or {}).items():
            features[name] = self.pixels.of(value) if len(value.shape) == 4 else value
        return features


def order_of(image_size: tuple[int, int], parts: tuple[PyramidPart, ...]) -> np.ndarray:
    """Rows and columns in the order of the parts: int (pixels, 2)."""
    places = np.moveaxis(np.indices(image_size), 0, -1)
    return np.concatenate([part.pixels.of(places).reshape(-1, 2) for part in parts])


def scan_parts(
    model: "PyramidPixelCNN",
    draw: Draw,
    conditions: Mapping[str, tf.Tensor],
    slices: BatchSlices,
    known: KnownPixels | None,
) -> tf.Tensor:
    """Visits the parts, each by its own steps; see `scan_by_steps` of models."""
    encoded_conditions = None
    if model.condition_encoder is not None:
        encoded_conditions = model.condition_encoder(conditions, training=False)
    image = None
    for part in model.parts:
        coarser = None
        if image is not None:
            coarser = model.encoding(tf.reshape(image, [-1, *image.shape[2:]]))
        features = part.features(encoded_conditions, coarser)
        steps = GatedPixelCNNSteps(part.network, features or None)
        drawn = raster_scan(
            by_channel(steps, model.pixel_likelihood),
            part.pixels.in_its_own_rows(draw),
            part.network.image_shape,
            slices,
            known and KnownPixels(*map(part.pixels.of, known)),
        )
        image = drawn if part.join is None else part.join(image, drawn)
    return image
