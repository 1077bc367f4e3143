"""The parts of a pyramid's image: where they lie, their layers, and the scan over them.

`PyramidPixelCNN.__init__` wires them. In training and scoring a part's context sees the
image's own pixels between which the part's lie; in the scan it sees those drawn so far,
which are the same ones.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
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
    ScanPass,
    by_channel,
    raster_scan,
)

if TYPE_CHECKING:
    from keras_pixelcnn.models.pyramid.model import PyramidPixelCNN


@dataclasses.dataclass(frozen=True)
class Lattice:
    """Every so many rows and columns of an image, and some or all of its channels."""

    rows: tuple[int, int]
    """The first row, and how far it is to the next."""
    columns: tuple[int, int]
    channels: tuple[int, ...] | None = None
    """None is all of them, else one or several."""

    def of(self, features: Any) -> Any:
        """Returns what (..., height, width, n) has at these pixels."""
        (row, row_stride), (column, column_stride) = self.rows, self.columns
        return features[..., row::row_stride, column::column_stride, :]

    def values_of(self, image: Any) -> Any:
        """Returns these channels of these pixels, of (..., height, width, channels)."""
        pixels = self.of(image)
        if self.channels is None:
            return pixels
        first, *others = self.channels
        if others:
            return keras.ops.take(pixels, self.channels, axis=-1)
        return pixels[..., first : first + 1]

    def size(self, image_size: Sequence[int]) -> tuple[int, int]:
        """Counts the rows and columns of an image that are of it."""
        height, width = (
            len(range(first, length, stride))
            for length, (first, stride) in zip(
                image_size, (self.rows, self.columns), strict=True
            )
        )
        return height, width

    def shape(self, image_shape: tuple[int, int, int]) -> tuple[int, int, int]:
        """Returns the shape of what an image has here."""
        *size, channels = image_shape
        return *self.size(size), len(self.channels or range(channels))

    def count_own(self, draw: Draw) -> Draw:
        """Lets `draw`, which counts the image's rows and so on, count these."""
        (first_row, row_stride), (first_column, column_stride) = self.rows, self.columns

        def draw_row(index: tf.Tensor | int, row: tf.Tensor) -> RowDraw:
            draw_value = draw(index, first_row + row * row_stride)

            def draw_here(
                column: tf.Tensor, channel: int, parameters: tf.Tensor
            ) -> tf.Tensor:
                place = first_column + column * column_stride
                if self.channels is not None:
                    channel = self.channels[channel]
                return draw_value(place, channel, parameters)

            return draw_here

        return draw_row


def lattices_of_stages(num_stages: int, first_channel: int | None) -> list[Lattice]:
    """Returns what each stage's image has of the whole one, the coarsest first."""
    if first_channel is not None:
        of_first = [
            dataclasses.replace(each, channels=(first_channel,))
            for each in lattices_of_stages(num_stages - 1, None)
        ]
        return [*of_first, Lattice((0, 1), (0, 1))]
    strides = [2**level for level in reversed(range(num_stages))]
    return [Lattice((0, stride), (0, stride)) for stride in strides]


class Place(NamedTuple):
    """Where a part of the image lies."""

    name: str
    """Of its role, which is the same whatever the image's size."""
    stage: int
    pixels: Lattice
    between: Lattice | None
    """The pixels between which these lie; the first part has none."""

    @property
    def adds_channels(self) -> bool:
        """Whether these are further channels of the pixels of the parts before."""
        return (
            self.between is not None and self.pixels.channels != self.between.channels
        )


def places_of_parts(
    image_shape: tuple[int, int, int], num_stages: int, first_channel: int | None
) -> list[Place]:
    """Cuts an image: the coarsest stage's, then the columns and the rows between.

    Each part but the first doubles what is known, or nearly, where sizes are odd. With
    a first channel all these are of it alone, and the last stage has the others.
    """
    *image_size, channels = image_shape
    stages = lattices_of_stages(num_stages, first_channel)
    if first_channel is not None:
        *stages, whole = stages
    first, *_ = stages
    places = [Place("stage_0_", 0, first, None)]
    for stage, (coarser, finer) in enumerate(itertools.pairwise(stages), start=1):
        (_, stride), (_, half) = coarser.rows, finer.rows
        columns = dataclasses.replace(coarser, columns=(half, stride))
        places.append(Place(f"stage_{stage}_columns_", stage, columns, coarser))
        wider = dataclasses.replace(coarser, columns=(0, half))
        rows = dataclasses.replace(wider, rows=(half, stride))
        places.append(Place(f"stage_{stage}_rows_", stage, rows, wider))
    if first_channel is not None:
        others = tuple(
            channel for channel in range(channels) if channel != first_channel
        )
        colors = dataclasses.replace(whole, channels=others)
        name = f"stage_{num_stages - 1}_channels_"
        places.append(Place(name, num_stages - 1, colors, stages[-1]))
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

    place: Place
    network: GatedNetwork
    context: CoarseContext | None
    """What it sees of the pixels between which its own lie."""
    join: Interleave | None
    """Puts its features, or its pixels, between those of the parts before; None for
    the first part, and for further channels."""

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
            features[name] = (
                self.place.pixels.of(value) if len(value.shape) == 4 else value
            )
        return features


def passes_of(
    image_shape: tuple[int, int, int], parts: Sequence[PyramidPart]
) -> tuple[ScanPass, ...]:
    """Returns a pass over all pixels, and a second where a part adds channels."""
    *image_size, channels = image_shape
    places = np.moveaxis(np.indices(image_size), 0, -1)
    by_channels: dict[tuple[int, ...], list[np.ndarray]] = {}
    for part in parts:
        drawn = part.place.pixels.channels or tuple(range(channels))
        by_channels.setdefault(drawn, []).append(
            part.place.pixels.of(places).reshape(-1, 2)
        )
    return tuple(
        ScanPass(np.concatenate(order), drawn) for drawn, order in by_channels.items()
    )


def join_channels(first: Any, others: Any, channels: tuple[int, ...], axis: int) -> Any:
    """Puts a channel between others along an axis, symbolic or not.

    Args:
        first: of one channel.
        others: of all others.
        channels: which ones these are.
        axis: that of the channels.
    """
    names = [*(set(range(len(channels) + 1)) - set(channels)), *channels]
    both = keras.ops.concatenate([first, others], axis=axis)
    return keras.ops.take(both, np.argsort(names), axis=axis)


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
        pixels, coarser = part.place.pixels, None
        if image is not None:
            coarser = model.encoding(tf.reshape(image, [-1, *image.shape[2:]]))
        features = part.features(encoded_conditions, coarser)
        steps = GatedPixelCNNSteps(part.network, features or None)
        drawn = raster_scan(
            by_channel(steps, model.pixel_likelihood),
            pixels.count_own(draw),
            part.network.image_shape,
            slices,
            known and KnownPixels(*map(pixels.values_of, known)),
        )
        if part.place.adds_channels:
            image = join_channels(image, drawn, pixels.channels, -1)
        else:
            image = drawn if part.join is None else part.join(image, drawn)
    return image
