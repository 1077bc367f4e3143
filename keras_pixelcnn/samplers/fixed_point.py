"""Fixed-point sampling: guess the image, run one pass, sample all pixels, repeat.

Given its noise, an image is a function: the uniform number of a value and the
parameters that the values before it give decide the value. So the image of the
ancestral sampler is the one image that a whole pass leaves as it is, and guesses come
to it without visiting pixel after pixel (Wiggers and Hoogeboom 2020, arXiv 2002.09928;
Song et al. 2021, arXiv 2002.03629).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from keras_pixelcnn.samplers.incremental import KnownPixels

ImageDraw = Callable[[int, tf.Tensor], tf.Tensor]
"""Maps (channel, its parameters (batch, height, width, n)) to the channel's values,
int32 (batch, height, width)."""


class FixedPoint(NamedTuple):
    """The result of `fixed_point_scan`."""

    images: tf.Tensor
    """int32 (batch, height, width, channels)."""
    passes: tf.Tensor
    """int32 (): the whole passes it took, the one that changed nothing included."""


def fixed_point_scan(
    parameters: Callable[[tf.Tensor], tf.Tensor],
    channel_parameters: Callable[[tf.Tensor, Sequence[tf.Tensor]], tf.Tensor],
    draw: ImageDraw,
    image_shape: Sequence[int],
    batch_size: tf.Tensor | int,
    known: KnownPixels | None = None,
) -> FixedPoint:
    """Samples images by whole passes until a pass changes nothing.

    After i passes at least the first i values of an image are final, usually far more:
    all that depend on values that are guessed right. The images are those of
    `ancestral_scan` for the same noise, whatever the guesses were. A batch takes the
    passes of its slowest image, at most height x width x channels + 1.

    Args:
        parameters: as for `ancestral_scan`.
        channel_parameters: as there, of all pixels.
        draw: chooses the values of a channel in all pixels.
        image_shape: (height, width, channels).
        batch_size: number of images.
        known: values known beforehand, which are put back after each pass. Default:
            none.

    Returns:
        The images, and the number of passes.

    References:
        Wiggers and Hoogeboom 2020, arXiv 2002.09928, algorithm 1, without its
        forecasting networks.
    """
    height, width, channels = image_shape
    most_passes = height * width * channels + 1

    def sample_all(images: tf.Tensor) -> tf.Tensor:
        pixels = parameters(images)
        pixel_shape = pixels.shape[3:]
        pixels = tf.reshape(pixels, [-1, *pixel_shape])
        values: list[tf.Tensor] = []
        for channel in range(channels):
            here = channel_parameters(pixels, [tf.reshape(v, [-1]) for v in values])
            here = tf.reshape(here, [-1, height, width, here.shape[-1]])
            value = draw(channel, here)
            if known is not None:  # the next channel is to see what is known
                mask, image = known.mask[..., channel], known.image[..., channel]
                value = tf.where(mask, image, value)
            values.append(value)
        return tf.stack(values, axis=-1)

    def body(
        images: tf.Tensor, passes: tf.Tensor, _: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        sampled = sample_all(images)
        return sampled, passes + 1, tf.reduce_any(sampled != images)

    first = tf.zeros([batch_size, *image_shape], tf.int32)
    if known is not None:
        first = tf.where(known.mask, known.image, first)
    images, passes, _ = tf.while_loop(
        lambda images, passes, has_changed: has_changed,
        body,
        (
            first,
            tf.zeros([], tf.int32),
            tf.ones([], tf.bool),
        ),
        shape_invariants=(
            tf.TensorShape([None, *image_shape]),
            tf.TensorShape([]),
            tf.TensorShape([]),
        ),
        maximum_iterations=most_passes,
    )
    return FixedPoint(images, passes)
