"""Ancestral sampling, the slow reference: a whole pass of the network each value."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_pixelcnn.samplers.incremental import Draw, KnownPixels


class ScanPass(NamedTuple):
    """Pixels in the order in which some of their channels are visited."""

    places: np.ndarray
    """Rows and columns, integers (pixels, 2)."""
    channels: tuple[int, ...]
    """What is visited at each of them."""


def raster_pass(image_shape: Sequence[int]) -> ScanPass:
    """Returns the one pass of most models: all channels of a pixel, along the raster.

    Args:
        image_shape: (height, width, channels).
    """
    *size, channels = image_shape
    return ScanPass(np.argwhere(np.ones(size, bool)), tuple(range(channels)))


def ancestral_scan(
    parameters: Callable[[tf.Tensor], tf.Tensor],
    channel_parameters: Callable[[tf.Tensor, Sequence[tf.Tensor]], tf.Tensor],
    draw: Draw,
    image_shape: Sequence[int],
    batch_size: tf.Tensor | int,
    known: KnownPixels | None = None,
    channels_at_once: bool = False,
    passes: Sequence[ScanPass] | None = None,
) -> tf.Tensor:
    """Fills images by running the whole network on what is there so far.

    Needs nothing of a model but its whole pass, and costs one for each value, what
    depends on conditions alone included.

    Args:
        parameters: maps int32 images (batch, height, width, channels) to the
            likelihood's parameters (batch, height, width, *pixel_shape).
        channel_parameters: maps those of a pixel and the values of its channels so
            far, each int32 (batch,), to those of the next channel (batch, m).
        draw: chooses each channel's values, of the batch in one slice.
        image_shape: (height, width, channels).
        batch_size: number of images.
        known: values known beforehand, which `draw` is to return. Pixels known in all
            images are skipped as long as none before them is drawn. Default: none.
        channels_at_once: whether the network's parameters of a pixel depend on the
            pixels before it alone, so that it runs once a pixel. Default False.
        passes: in which order the values are visited. Default: the raster's.

    Returns:
        int32 tensor (batch, height, width, channels).
    """
    height, width, channels = image_shape

    def place_of(row: tf.Tensor, column: tf.Tensor, channel: int) -> tf.Tensor:
        return tf.reshape(
            tf.one_hot(row * width + column, height * width, dtype=tf.int32),
            [height, width, 1],
        ) * tf.one_hot(channel, channels, dtype=tf.int32)

    def scan_pass(
        images: tf.Tensor, order: np.ndarray, drawn: Sequence[int]
    ) -> tf.Tensor:
        places = tf.constant(order, tf.int32)

        def body(index: tf.Tensor, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            row, column = tf.unstack(places[index])
            for channel in drawn:
                if channel == drawn[0] or not channels_at_once:
                    pixel = parameters(images)[:, row, column]
                before = tf.unstack(images[:, row, column], channels, axis=-1)[:channel]
                value = draw(0, row)(column, channel, channel_parameters(pixel, before))
                value = value[:, tf.newaxis, tf.newaxis, tf.newaxis]
                images = images + place_of(row, column, channel) * value
            return index + 1, images

        first = 0
        if known is not None:
            by_channel = tf.reduce_all(known.mask, axis=0)
            by_pixel = tf.reduce_all(tf.gather(by_channel, drawn, axis=-1), axis=-1)
            in_order = tf.cast(tf.gather_nd(by_pixel, places), tf.int32)
            first = tf.reduce_sum(tf.math.cumprod(in_order))
            ranks = np.full(image_shape, height * width, np.int32)
            for channel in drawn:
                ranks[(*np.transpose(order), channel)] = np.arange(len(order))
            images = tf.where(ranks < first, known.image, images)
        _, images = tf.while_loop(
            lambda index, _: index < len(order),
            body,
            (first, images),
            shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, *image_shape])),
            maximum_iterations=len(order),
        )
        return images

    images = tf.zeros([batch_size, *image_shape], tf.int32)
    for places, drawn in passes or [raster_pass(image_shape)]:
        images = scan_pass(images, places, drawn)
    return images
