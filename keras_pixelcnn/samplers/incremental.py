"""The raster scan: a row step a row, a pixel step a pixel, a group step a channel.

Every activation is computed once, so that drawing a batch costs little more arithmetic
than scoring it. The scan knows no model: it drives whatever offers `ScanSteps`.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import tensorflow as tf

from keras_pixelcnn.samplers.known_pixels import KnownPixels

Draw = Callable[[tf.Tensor, tf.Tensor, int, tf.Tensor], tf.Tensor]
"""Maps (row index, column index, channel, the channel's parameters (batch, n)) to the
channel's values, int32 (batch,)."""


class ScanSteps(Protocol):
    """What a model offers to be run in raster order: caches in, caches out.

    The order of calls: `start_image` or `skip_rows`; for each row `row`, `start_row`,
    its pixels, `finish_row`; for each pixel `pixel`, `channel` once a channel,
    `finish_pixel`. Caches, features and states are nested structures of tensors, whose
    shapes stay the same from row to row and from pixel to pixel.
    """

    def start_image(self, batch_size: tf.Tensor) -> Any:
        """The row cache above the first row."""

    def skip_rows(self, images: tf.Tensor, num_rows: tf.Tensor) -> Any:
        """The row cache below the first `num_rows` rows, taken in one parallel pass.

        `images` is int32 (batch, height, width, channels); the rows below those skipped
        may hold anything. `num_rows` is int32, from 0 to the height.
        """

    def row(self, index: tf.Tensor, cache: Any) -> tuple[Any, Any]:
        """What the rows above give to row `index`, the next, and the row cache."""

    def finish_row(self, row: tf.Tensor, cache: Any) -> Any:
        """The row cache after a row of values, int32 (batch, width, channels)."""

    def start_row(self, batch_size: tf.Tensor) -> Any:
        """The pixel cache left of a row's first pixel."""

    def pixel(self, features: Any, column: tf.Tensor, cache: Any) -> Any:
        """Enters a pixel: its state, from the row's features and the pixel cache."""

    def channel(self, value: tf.Tensor | None, state: Any) -> tuple[tf.Tensor, Any]:
        """The next channel's parameters (batch, n), given the value of the one before.

        `value` is int32 (batch,), None for the first channel.
        """

    def finish_pixel(self, value: tf.Tensor, state: Any) -> Any:
        """The pixel cache after the pixel, given its last channel's value."""


def raster_scan(
    steps: ScanSteps,
    draw: Draw,
    image_shape: Sequence[int],
    batch_size: tf.Tensor | int,
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
        batch_size: number of images; an integer where it is known.
        known: values known beforehand. Default: none.

    Returns:
        int32 tensor (batch, height, width, channels).
    """
    height, width, channels = image_shape
    if known is None:
        first_row, last_row, columns = 0, height, None
        cache = steps.start_image(batch_size)
        rows = tf.TensorArray(tf.int32, height)
    else:
        columns = known.columns_to_visit()
        first_row = known.num_top_rows()
        last_row = tf.reduce_max(tf.where(columns > 0, tf.range(1, height + 1), 0))
        cache = steps.skip_rows(known.image, first_row)
        known_rows = tf.transpose(known.image, [1, 0, 2, 3])
        rows = tf.TensorArray(tf.int32, height).unstack(known_rows)

    def draw_pixel(
        row_index: tf.Tensor, column: tf.Tensor, features: Any, cache: Any
    ) -> tuple[tf.Tensor, Any]:
        state = steps.pixel(features, column, cache)
        values, value = [], None
        for channel in range(channels):
            parameters, state = steps.channel(value, state)
            value = draw(row_index, column, channel, parameters)
            values.append(value)
        return tf.stack(values, axis=-1), steps.finish_pixel(value, state)

    def draw_row(row_index: tf.Tensor, features: Any) -> tf.Tensor:
        def body(
            column: tf.Tensor, cache: Any, pixels: tf.TensorArray
        ) -> tuple[tf.Tensor, Any, tf.TensorArray]:
            pixel, cache = draw_pixel(row_index, column, features, cache)
            return column + 1, cache, pixels.write(column, pixel)

        last_column = width if known is None else columns[row_index]
        pixels = tf.TensorArray(tf.int32, width)
        if known is not None:
            pixels = pixels.unstack(tf.transpose(known_rows[row_index], [1, 0, 2]))
        *_, pixels = tf.while_loop(
            lambda column, *_: column < last_column,
            body,
            (0, steps.start_row(batch_size), pixels),
            maximum_iterations=width,
        )
        row = tf.transpose(pixels.stack(), [1, 0, 2])
        return tf.reshape(row, [batch_size, width, channels])

    def body(
        row_index: tf.Tensor, cache: Any, rows: tf.TensorArray
    ) -> tuple[tf.Tensor, Any, tf.TensorArray]:
        features, cache = steps.row(row_index, cache)
        row = draw_row(row_index, features)
        return row_index + 1, steps.finish_row(row, cache), rows.write(row_index, row)

    *_, rows = tf.while_loop(
        lambda row_index, *_: row_index < last_row,
        body,
        (first_row, cache, rows),
        maximum_iterations=height,
    )
    images = tf.transpose(rows.stack(), [1, 0, 2, 3])
    return tf.reshape(images, [batch_size, *image_shape])
