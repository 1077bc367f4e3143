"""Ancestral sampling, the slow reference: a whole pass of the network each value."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from keras_pixelcnn.samplers.incremental import Draw, KnownPixels


def ancestral_scan(
    parameters: Callable[[tf.Tensor], tf.Tensor],
    channel_parameters: Callable[[tf.Tensor, Sequence[tf.Tensor]], tf.Tensor],
    draw: Draw,
    image_shape: Sequence[int],
    batch_size: tf.Tensor | int,
    known: KnownPixels | None = None,
    passes_a_pixel: int | None = None,
    order: np.ndarray | None = None,
) -> tf.Tensor:
    """Fills images by running the whole network on what is there so far.

    Needs nothing of a model but its whole pass, and costs height x width x
    `passes_a_pixel` of them, what depends on conditions alone included.

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
        passes_a_pixel: 1 where the network's parameters of a pixel depend on the
            pixels before it alone. Default: one a channel.
        order: rows and columns in the order in which pixels are visited, integers
            (height x width, 2). Default: the raster's.

    Returns:
        int32 tensor (batch, height, width, channels).
    """
    height, width, channels = image_shape
    if order is None:
        order = np.argwhere(np.ones((height, width), bool))
    places = tf.constant(order, tf.int32)

    def place_of(row: tf.Tensor, column: tf.Tensor, channel: int) -> tf.Tensor:
        return tf.reshape(
            tf.one_hot(row * width + column, height * width, dtype=tf.int32),
            [height, width, 1],
        ) * tf.one_hot(channel, channels, dtype=tf.int32)

    def body(index: tf.Tensor, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        row, column = tf.unstack(places[index])
        values = []
        for channel in range(channels):
            if channel == 0 or passes_a_pixel != 1:
                pixel = parameters(images)[:, row, column]
            here = channel_parameters(pixel, values)
            value = draw(0, row)(column, channel, here)
            values.append(value)
            value = value[:, tf.newaxis, tf.newaxis, tf.newaxis]
            images = images + place_of(row, column, channel) * value
        return index + 1, images

    first, images = 0, tf.zeros([batch_size, *image_shape], tf.int32)
    if known is not None:
        by_pixel = tf.reduce_all(known.mask, axis=[0, 3])
        in_order = tf.cast(tf.gather_nd(by_pixel, places), tf.int32)
        first = tf.reduce_sum(tf.math.cumprod(in_order))
        ranks = np.zeros((height, width, 1), np.int32)
        ranks[tuple(np.transpose(order))] = np.arange(len(order))[:, np.newaxis]
        images = tf.where(ranks < first, known.image, images)
    _, images = tf.while_loop(
        lambda index, _: index < height * width,
        body,
        (first, images),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, *image_shape])),
        maximum_iterations=height * width,
    )
    return images
