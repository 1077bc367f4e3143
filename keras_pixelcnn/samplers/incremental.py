"""Incremental sampling: the raster scan, by steps with caches; see `ScanSteps`.

Every activation is computed once, so that drawing a batch costs little more arithmetic
than scoring it. The scan knows no model: it drives whatever offers `ScanSteps`.

A row is computed for the whole batch, its pixels by one loop for each slice of it.
Tensors of a row are (slices, width, examples, ...): a pixel of a slice then lies in one
piece, and reading it copies nothing.
"""

import contextlib
import contextvars
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from keras_pixelcnn.likelihoods import PixelLikelihood
from keras_pixelcnn.samplers.batch_slices import BatchSlices

RowDraw = Callable[[tf.Tensor, int, tf.Tensor], tf.Tensor]
"""Maps (column index, channel, the channel's parameters (examples, n)) to the channel's
values, int32 (examples,)."""

Draw = Callable[[tf.Tensor | int, tf.Tensor], RowDraw]
"""Maps (index of a slice, row index) to what draws the values of that row."""

_FOR_XLA = contextvars.ContextVar("for_xla", default=False)


@contextlib.contextmanager
def for_xla(compiles: bool) -> Iterator[None]:
    """Says whether XLA compiles the steps that are made inside."""
    token = _FOR_XLA.set(compiles)
    try:
        yield
    finally:
        _FOR_XLA.reset(token)


def is_for_xla() -> bool:
    """Tells whether XLA compiles the steps that are made now."""
    return _FOR_XLA.get()


class KnownPixels(NamedTuple):
    """Images of which some values are given, any in each example."""

    image: tf.Tensor
    """int32 (batch, height, width, channels); what is not known may be anything."""
    mask: tf.Tensor
    """bool (batch, height, width, channels): True where the value is known."""

    def num_top_rows(self) -> tf.Tensor:
        """Counts the rows from the top that are known in every image: int32 ()."""
        known = tf.cast(tf.reduce_all(self.mask, axis=[0, 2, 3]), tf.int32)
        return tf.reduce_sum(tf.math.cumprod(known))

    def columns_to_visit(self) -> tf.Tensor:
        """Counts each row's columns up to the last unknown one: int32 (height,).

        What comes after them needs no step; in a row that is known there are none.
        """
        unknown = ~tf.reduce_all(self.mask, axis=[0, 3])
        columns = tf.range(1, tf.shape(unknown)[1] + 1)
        return tf.reduce_max(tf.where(unknown, columns, 0), axis=1)


class ScanSteps(Protocol):
    """The interface of a model that is run in raster order: caches in, caches out.

    The order of calls: `start_image` or `skip_rows`; for each row `row`, then for each
    slice `start_row` and its pixels, then `finish_row`; for each pixel `pixel`,
    `channel` once a channel, `finish_pixel`. Caches, features and states are nested
    structures of tensors, whose shapes stay the same from row to row and from pixel to
    pixel.
    """

    def start_image(self, num_slices: tf.Tensor, batch_size: tf.Tensor) -> Any:
        """Returns the row cache above the first row, of `batch_size` examples."""

    def skip_rows(self, images: tf.Tensor, num_rows: tf.Tensor) -> Any:
        """Computes the row cache below the first `num_rows` rows in one parallel pass.

        `images` is int32 (slices, examples, height, width, channels); the rows below
        those skipped may hold anything. `num_rows` is int32, from 0 to the height.
        """

    def row(self, index: tf.Tensor, cache: Any) -> tuple[Any, Any]:
        """Computes what the rows above give to the next row, and the row cache.

        The features are tensors (slices, width, ...).
        """

    def finish_row(self, row: tf.Tensor, cache: Any) -> Any:
        """Adds a row, int32 (slices, width, examples, channels), to the row cache."""

    def start_row(self, batch_size: tf.Tensor) -> Any:
        """Returns the pixel cache left of a row's first pixel."""

    def pixel(self, features: Any, column: tf.Tensor, cache: Any) -> Any:
        """Enters a pixel: its state, from a slice's features and the pixel cache.

        The features are tensors (width, ...).
        """

    def channel(self, value: tf.Tensor | None, state: Any) -> tuple[tf.Tensor, Any]:
        """Computes the next channel's parameters (examples, n), and the state.

        `value` is int32 (examples,), None for the first channel.
        """

    def finish_pixel(self, value: tf.Tensor, state: Any) -> Any:
        """Adds the pixel to the pixel cache, given its last channel's value."""


def raster_scan(
    steps: ScanSteps,
    draw: Draw,
    image_shape: Sequence[int],
    slices: BatchSlices,
    known: KnownPixels | None = None,
) -> tf.Tensor:
    """Fills images pixel by pixel.

    Where pixels are known, `draw` is to return them. Rows known in all images from the
    top are taken in one parallel pass, and what lies behind the last unknown pixel of a
    row, or of the image, is not visited.

    Args:
        steps: the model, step by step.
        draw: chooses each channel's values.
        image_shape: (height, width, channels).
        slices: how the batch is cut for loops that run side by side.
        known: values known beforehand, of the examples of all slices in their order.
            Default: none.

    Returns:
        int32 tensor (slices, examples, height, width, channels).
    """
    height, width, channels = image_shape
    # A loop's turn costs as much as many of a grey pixel's operations.
    pixels_at_once = 2 if channels == 1 and width % 2 == 0 else 1
    if known is None:
        first_row, last_row, columns = 0, height, None
        cache = steps.start_image(slices.count, slices.size)
        rows = tf.TensorArray(tf.int32, height)
    else:
        columns = known.columns_to_visit()
        first_row = known.num_top_rows()
        last_row = tf.reduce_max(tf.where(columns > 0, tf.range(1, height + 1), 0))
        image = tf.reshape(known.image, [slices.count, slices.size, *image_shape])
        cache = steps.skip_rows(image, first_row)
        known_rows = tf.transpose(image, [2, 0, 3, 1, 4])
        rows = tf.TensorArray(tf.int32, height).unstack(known_rows)

    def draw_slice(
        index: tf.Tensor | int, row_index: tf.Tensor, features: Any
    ) -> tf.Tensor:
        draw_value = draw(index, row_index)
        features = tf.nest.map_structure(lambda feature: feature[index], features)

        def draw_pixel(
            column: tf.Tensor, cache: Any, pixels: tf.TensorArray
        ) -> tuple[tf.Tensor, Any, tf.TensorArray]:
            for _ in range(pixels_at_once):
                state = steps.pixel(features, column, cache)
                values, value = [], None
                for channel in range(channels):
                    parameters, state = steps.channel(value, state)
                    value = draw_value(column, channel, parameters)
                    values.append(value)
                cache = steps.finish_pixel(value, state)
                pixels = pixels.write(column, tf.stack(values, axis=-1))
                column += 1
            return column, cache, pixels

        last_column = width if known is None else columns[row_index]
        pixels = tf.TensorArray(tf.int32, width)
        if known is not None:
            pixels = pixels.unstack(known_rows[row_index, index])
        *_, pixels = tf.while_loop(
            lambda column, *_: column < last_column,
            draw_pixel,
            (0, steps.start_row(slices.size), pixels),
        )
        return tf.reshape(pixels.stack(), [width, slices.size, channels])

    def draw_row(
        row_index: tf.Tensor, cache: Any, rows: tf.TensorArray
    ) -> tuple[tf.Tensor, Any, tf.TensorArray]:
        features, cache = steps.row(row_index, cache)
        row = slices.run(lambda index: draw_slice(index, row_index, features))
        return row_index + 1, steps.finish_row(row, cache), rows.write(row_index, row)

    *_, rows = tf.while_loop(
        lambda row_index, *_: row_index < last_row,
        draw_row,
        (first_row, cache, rows),
    )
    images = tf.transpose(rows.stack(), [1, 3, 0, 2, 4])
    return tf.reshape(images, [slices.count, slices.size, *image_shape])


# Networks that give the parameters of all channels of a pixel at once.


class _WholePixel(NamedTuple):
    """The network's state at the pixel at hand, its parameters, and the values."""

    network: Any
    parameters: tf.Tensor | None = None
    values: tuple[tf.Tensor, ...] = ()


class ChannelSteps:
    """Makes `ScanSteps` of steps that run the network once a pixel.

    Args:
        network: like `ScanSteps`, except that `channel` is called once a pixel, with
            None as the value, and gives the parameters of all channels, and that
            `finish_pixel` is given all values of the pixel, int32 (examples,
            channels).
        channel_parameters: maps these parameters and the values of the channels so
            far, each int32 (examples,), to the parameters of the next channel.
    """

    def __init__(
        self,
        network: ScanSteps,
        channel_parameters: Callable[[tf.Tensor, Sequence[tf.Tensor]], tf.Tensor],
    ) -> None:
        self._network = network
        self._channel_parameters = channel_parameters
        self.start_image = network.start_image
        self.skip_rows = network.skip_rows
        self.row = network.row
        self.finish_row = network.finish_row
        self.start_row = network.start_row

    def pixel(self, features: Any, column: tf.Tensor, cache: Any) -> _WholePixel:
        """Enters a pixel."""
        return _WholePixel(self._network.pixel(features, column, cache))

    def channel(
        self, value: tf.Tensor | None, state: _WholePixel
    ) -> tuple[tf.Tensor, _WholePixel]:
        """Runs the network for the first channel; the others need it no more."""
        if value is None:
            parameters, network = self._network.channel(None, state.network)
            state = _WholePixel(network, parameters)
        else:
            state = state._replace(values=(*state.values, value))
        return self._channel_parameters(state.parameters, state.values), state

    def finish_pixel(self, value: tf.Tensor, state: _WholePixel) -> Any:
        """Gives the network the whole pixel."""
        values = tf.stack([*state.values, value], axis=-1)
        return self._network.finish_pixel(values, state.network)


def by_channel(steps: ScanSteps, likelihood: PixelLikelihood) -> ScanSteps:
    """Gives a network's steps as a likelihood needs them.

    Args:
        steps: of a network; see `ChannelSteps` where the likelihood takes the
            parameters of all channels at once.
        likelihood: the model's `PixelLikelihood`.
    """
    if not likelihood.channels_at_once:
        return steps
    return ChannelSteps(steps, likelihood.channel_parameters)
