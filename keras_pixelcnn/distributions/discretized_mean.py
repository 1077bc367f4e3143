"""The mean of a discretised mixture of logistics, by summing over levels."""

import tensorflow as tf

from keras_pixelcnn.likelihoods import discretized_logistic, discretized_mixture
from keras_pixelcnn.likelihoods.discretized_mixture import PixelMixture

_MOST_TERMS = 2**24
"""For one component: three channels of 256 levels."""


def mean(mixture: PixelMixture, num_levels: int) -> tf.Tensor:
    """The mean level of each channel.

    The edges cut the logistics off, so that the mean of a channel is no linear function
    of those before it: all their values are gone through.

    Args:
        mixture: parameters of pixels.
        num_levels: number of levels.

    Returns:
        float32 tensor (..., channels), in levels.

    Raises:
        NotImplementedError: when there are more than 2 ** 24 terms, num_levels **
            channels.
    """
    channels = mixture.loc.shape[-2]
    if num_levels**channels > _MOST_TERMS:
        raise NotImplementedError(
            f"The mean is a sum over num_levels ** channels = {num_levels} ** "
            f"{channels} terms, which are too many. Take the mean of samples."
        )
    weights = tf.nn.softmax(mixture.logits)
    means = [
        tf.reduce_sum(weights * _component_means(mixture, channel, num_levels), axis=-1)
        for channel in range(channels)
    ]
    return tf.stack(means, axis=-1)


def _component_means(mixture: PixelMixture, channel: int, num_levels: int) -> tf.Tensor:
    """Mean level of a channel in each component, (..., K)."""
    log_scale = mixture.log_scale[..., channel, :]
    if channel == 0:
        return _mean_level(mixture.loc[..., 0, :], log_scale, num_levels)
    one_more = PixelMixture(
        mixture.logits[..., tf.newaxis, :],
        *(x[..., tf.newaxis, :, :] for x in mixture[1:]),
    )
    log_scale = log_scale[..., tf.newaxis, :]
    last = tf.range(num_levels, dtype=tf.float32)[:, tf.newaxis]

    def given_first(index: tf.Tensor) -> tf.Tensor:
        """The part of all pixels whose channels but the last before are these."""
        places = num_levels ** tf.range(channel - 1)
        first = tf.cast(index // places % num_levels, tf.float32)
        first = tf.broadcast_to(first, [num_levels, channel - 1])
        levels = tf.concat([first, last], axis=-1)
        nats = discretized_mixture.component_log_prob(one_more, levels, num_levels)
        loc = discretized_mixture.channel_loc(one_more, levels, channel, num_levels)
        means = _mean_level(loc, log_scale, num_levels)
        probs = tf.exp(tf.reduce_sum(nats, axis=-2))
        return tf.reduce_sum(probs * means, axis=-2)

    if channel == 1:
        return given_first(tf.constant(0))
    parts = tf.map_fn(
        given_first,
        tf.range(num_levels ** (channel - 1)),
        fn_output_signature=tf.float32,
    )
    return tf.reduce_sum(parts, axis=0)


def _mean_level(loc: tf.Tensor, log_scale: tf.Tensor, num_levels: int) -> tf.Tensor:
    """Mean of a level: the sum of the probabilities of being above each level."""
    inverse_scale = discretized_logistic.inverse_scale_of(log_scale)[..., tf.newaxis]
    edges = tf.range(num_levels - 1, dtype=tf.float32) + 0.5
    above = tf.sigmoid((loc[..., tf.newaxis] - edges) * inverse_scale)
    return tf.reduce_sum(above, axis=-1)
