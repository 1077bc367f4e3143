"""Mixtures of discretised logistics over the channels of a pixel.

References:
    Salimans et al. 2017, arXiv 1701.05517, sections 2.1 and 2.2.
"""

from typing import NamedTuple

import tensorflow as tf

from keras_pixelcnn.likelihoods import discretized_logistic


class PixelMixture(NamedTuple):
    """Parameters of pixels of C channels, K components each; in levels.

    Locations and coefficients are float64: how far a level lies from a location must
    not be lost where the scale is small beside the number of levels. The others are
    float32 for scales from 0.05 levels up, float64 for any.
    """

    logits: tf.Tensor
    """Of the components, shared by the channels, (..., K)."""
    loc: tf.Tensor
    """Location of each channel where those before it are at the middle level,
    (..., C, K)."""
    log_scale: tf.Tensor
    """(..., C, K)."""
    coefficients: tf.Tensor
    """How far each earlier channel moves the location of a later one, (..., C(C-1)/2,
    K), in the order (1, 0), (2, 0), (2, 1), (3, 0), ..."""


class ChannelMixture(NamedTuple):
    """Parameters of one channel given those before it; in levels, each (..., K)."""

    logits: tf.Tensor
    loc: tf.Tensor
    loc_rest: tf.Tensor
    """What is to be added to `loc`; see `discretized_logistic.split_loc`."""
    log_scale: tf.Tensor


def num_coefficients(channels: int) -> int:
    """Counts the pairs of an earlier and a later channel."""
    return channels * (channels - 1) // 2


def component_log_prob(
    mixture: PixelMixture, levels: tf.Tensor, num_levels: int
) -> tf.Tensor:
    """Computes the log probability of a pixel's first channels in each component.

    Args:
        mixture: parameters; what leads their shapes is broadcast with that of `levels`.
        levels: float64 tensor (..., c) of whole numbers in [0, num_levels), c from 1 to
            all channels.
        num_levels: number of levels.

    Returns:
        Float tensor (..., c, K) of the scales' type, in nats, of each channel given
        those before it.
    """
    channels = levels.shape[-1]
    scales, distances = mixture.log_scale[..., :channels, :], []
    for channel in range(channels):
        loc = channel_loc(mixture, levels, channel, num_levels)
        # Only now rounded: all digits count where a component is sharp.
        distances.append(
            tf.cast(levels[..., channel : channel + 1] - loc, scales.dtype)
        )
    return discretized_logistic.log_prob(
        tf.stack(distances, axis=-2), tf.expand_dims(levels, -1), scales, num_levels
    )


def log_prob(mixture: PixelMixture, levels: tf.Tensor, num_levels: int) -> tf.Tensor:
    """Computes the log probability of pixels.

    Args:
        mixture: parameters, as for `component_log_prob`.
        levels: float64 tensor (..., C) of whole numbers in [0, num_levels).
        num_levels: number of levels.

    Returns:
        Float tensor (...), in nats.
    """
    nats = component_log_prob(mixture, levels, num_levels)
    nats = tf.nn.log_softmax(mixture.logits) + tf.reduce_sum(nats, axis=-2)
    return tf.reduce_logsumexp(nats, axis=-1)


def channel_log_prob(
    mixture: PixelMixture, levels: tf.Tensor, num_levels: int
) -> tf.Tensor:
    """Computes the log probability of each channel, given those before it.

    Args:
        mixture: parameters, as for `component_log_prob`.
        levels: float64 tensor (..., C) of whole numbers in [0, num_levels).
        num_levels: number of levels.

    Returns:
        Float tensor (..., C), in nats, which sums to `log_prob`.
    """
    nats = component_log_prob(mixture, levels, num_levels)
    # By Bayes the components weigh as they have foreseen the channels before.
    before = tf.cumsum(nats, axis=-2, exclusive=True)
    weights = tf.nn.log_softmax(mixture.logits[..., tf.newaxis, :] + before)
    return tf.reduce_logsumexp(weights + nats, axis=-1)


def next_channel(
    mixture: PixelMixture, levels: tf.Tensor, num_levels: int
) -> ChannelMixture:
    """Computes the mixture of a channel, given those before it.

    By Bayes the components weigh as they have foreseen the channels before; the
    locations are moved linearly by these.

    Args:
        mixture: parameters, as for `component_log_prob`.
        levels: float64 tensor (..., c) of whole numbers: all channels before, perhaps
            none.
        num_levels: number of levels.

    Returns:
        All float32.
    """
    channel, logits = levels.shape[-1], mixture.logits
    if channel > 0:
        nats = component_log_prob(mixture, levels, num_levels)
        logits = tf.nn.log_softmax(logits + tf.reduce_sum(nats, axis=-2))
    loc = channel_loc(mixture, levels, channel, num_levels)
    loc, rest = discretized_logistic.split_loc(loc)
    log_scale = mixture.log_scale[..., channel, :]
    logits, log_scale = (tf.cast(part, tf.float32) for part in (logits, log_scale))
    return ChannelMixture(logits, loc, rest, log_scale)


def channel_loc(
    mixture: PixelMixture, levels: tf.Tensor, channel: int, num_levels: int
) -> tf.Tensor:
    """Computes the locations of a channel, moved by the values of those before it.

    Args:
        mixture: parameters, as for `component_log_prob`.
        levels: float64 tensor (..., c) of whole numbers: at least the channels before.
        channel: index of the channel.
        num_levels: number of levels.

    Returns:
        float64 tensor (..., K).
    """
    loc = mixture.loc[..., channel, :]
    if channel == 0:
        return loc
    first = num_coefficients(channel)
    coefficients = mixture.coefficients[..., first : first + channel, :]
    # No new axis in the brackets: TensorFlow 2.21 drops it in graphs where the levels
    # are a stack of which the slice takes one.
    from_middle = tf.expand_dims(levels[..., :channel], -1) - (num_levels - 1) / 2
    return loc + tf.reduce_sum(coefficients * from_middle, axis=-2)
