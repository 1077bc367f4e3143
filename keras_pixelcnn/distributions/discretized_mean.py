"""The mean of a discretised mixture of logistics, over any number of channels."""

import tensorflow as tf

from keras_pixelcnn.distributions import sampled_mean
from keras_pixelcnn.distributions.mean_level import mean_level
from keras_pixelcnn.likelihoods import discretized_logistic, discretized_mixture
from keras_pixelcnn.likelihoods.discretized_mixture import PixelMixture

_MOST_TERMS = 2**20
"""Of a sum, for one channel of one component: two channels of 1,024 levels."""

_TERMS_AT_ONCE = 2**14


def mean(mixture: PixelMixture, num_levels: int) -> tf.Tensor:
    """The mean level of each channel.

    The ends of the range cut the logistics off, so that the mean of a channel is no
    linear function of the channels before it. Up to 2 ** 20 values of these are all
    gone through, which is exact to 1e-7 of the range. Of more, the mean is taken over a
    sample of them that covers them evenly; see `sampled_mean`.

    Args:
        mixture: parameters of pixels.
        num_levels: number of levels.

    Returns:
        float32 tensor (..., channels), in levels. Gradients are those of the sums; a
        mean over a sample has none, and says so where it is asked for one.

    Raises:
        tf.errors.InvalidArgumentError: when a sample does not give a mean to 1e-5 of
            the range.
    """
    parts = [tf.cast(part, tf.float64) for part in mixture[1:]]
    leading = tf.shape(parts[0])[:-2]
    for part in parts[1:]:
        leading = tf.broadcast_dynamic_shape(leading, tf.shape(part)[:-2])
    rows = [_rows(part, leading) for part in parts]
    channels, components = parts[0].shape[-2:]
    means = _component_means(*rows, channels=channels, num_levels=num_levels)
    means = tf.reshape(means, tf.concat([leading, [components, channels]], axis=0))
    weights = tf.nn.softmax(tf.cast(mixture.logits, tf.float64))
    means = tf.reduce_sum(weights[..., tf.newaxis] * means, axis=-2)
    return tf.cast(means, tf.float32)


def _rows(part: tf.Tensor, leading: tf.Tensor) -> tf.Tensor:
    """A parameter (..., n, K) of pixels as one of all components, (rows, n)."""
    size = part.shape[-2]
    part = tf.broadcast_to(part, tf.concat([leading, part.shape[-2:]], axis=0))
    return tf.reshape(tf.linalg.matrix_transpose(part), [-1, size])


# Compiled: there may be many components, one after the other so that memory is bounded.
@tf.function(autograph=False, reduce_retracing=True)
def _component_means(
    loc: tf.Tensor,
    log_scale: tf.Tensor,
    coefficients: tf.Tensor,
    channels: int,
    num_levels: int,
) -> tf.Tensor:
    """Mean level of each channel in components, (rows, channels)."""
    pairs = discretized_mixture.num_coefficients(channels)
    sizes = (channels, channels, pairs)  # a graph for any number of rows forgets them
    rows = (loc, log_scale, coefficients)
    return tf.map_fn(
        lambda row: _means_of_one(*row, num_levels),
        tuple(tf.ensure_shape(x, [None, n]) for x, n in zip(rows, sizes, strict=True)),
        fn_output_signature=tf.TensorSpec([channels], tf.float64),
        parallel_iterations=2,
    )


def _means_of_one(
    loc: tf.Tensor, log_scale: tf.Tensor, coefficients: tf.Tensor, num_levels: int
) -> tf.Tensor:
    """Mean level of each channel in one component, (channels,)."""
    column = (part[:, tf.newaxis] for part in (loc, log_scale, coefficients))
    component = PixelMixture(tf.zeros([1], tf.float64), *column)
    channels = loc.shape[0]
    summed = [c for c in range(channels) if num_levels**c <= _MOST_TERMS]
    means = [_sum_over_values(component, channel, num_levels) for channel in summed]
    if len(means) == channels:
        return tf.stack(means)
    sampled = sampled_mean.means(component, len(means), num_levels)
    return tf.concat([tf.stack(means), sampled], axis=0)


def _sum_over_values(
    component: PixelMixture, channel: int, num_levels: int
) -> tf.Tensor:
    """Mean level of a channel, over all values of the channels before it."""
    inverse_scale = discretized_logistic.inverse_scale_of(
        component.log_scale[channel, 0]
    )
    if channel == 0:
        return mean_level(component.loc[0, 0], inverse_scale, num_levels)
    num_terms = num_levels**channel
    at_once = min(num_terms, _TERMS_AT_ONCE)
    places = tf.constant([num_levels**c for c in range(channel)], tf.int64)

    def part(first: tf.Tensor) -> tf.Tensor:
        index = first + tf.range(at_once, dtype=tf.int64)
        levels = tf.cast(index[:, tf.newaxis] // places % num_levels, tf.float64)
        nats = discretized_mixture.component_log_prob(component, levels, num_levels)
        probs = tf.exp(tf.reduce_sum(nats, axis=[-2, -1]))
        probs = tf.where(index < num_terms, probs, 0.0)
        loc = discretized_mixture.channel_loc(component, levels, channel, num_levels)
        return tf.reduce_sum(probs * mean_level(loc[:, 0], inverse_scale, num_levels))

    firsts = tf.range(0, num_terms, at_once, dtype=tf.int64)
    parts = tf.map_fn(
        part, firsts, fn_output_signature=tf.float64, parallel_iterations=1
    )
    return tf.reduce_sum(parts)
