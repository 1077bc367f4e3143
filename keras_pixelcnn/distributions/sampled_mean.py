"""Means of later channels over values of the earlier ones that cover them evenly.

A pixel's channels, drawn one after the other, are functions of a uniform number each.
Their means are integrals over a cube, and randomised quasi-Monte Carlo gives these to a
known error: points of a Sobol sequence, shifted at random as a whole, several times;
each shift gives the mean without bias, and how far these lie apart tells the error of
their own mean.

References:
    Cranley and Patterson 1976, "Randomization of Number Theoretic Methods for Multiple
    Integration".
"""

import tensorflow as tf

from keras_pixelcnn.distributions.mean_level import mean_level
from keras_pixelcnn.likelihoods import discretized_logistic, discretized_mixture
from keras_pixelcnn.likelihoods.discretized_mixture import PixelMixture
from keras_pixelcnn.samplers.noise import ALGORITHM

TOLERANCE = 1e-5
"""Of the range of levels."""

_STANDARD_ERRORS = 5
"""Of 16 shifts: an error is beyond them once in 6,000 times."""

_NUM_SHIFTS = 16
_POINTS_AT_ONCE = 2**10
_FEWEST_POINTS, _MOST_POINTS = 2**12, 2**22
"""For each shift."""

_SEED = (20_170_119, 1)


def means(component: PixelMixture, first: int, num_levels: int) -> tf.Tensor:
    """Mean level of each channel from one on, in one component.

    Points are added until five standard errors of each mean are below 1e-5 of the
    range. The points are the same in each call.

    Args:
        component: float64 parameters of a pixel with one component.
        first: index of the first of the channels.
        num_levels: number of levels.

    Returns:
        float64 tensor (channels - first,), in levels, that refuses gradients.

    Raises:
        tf.errors.InvalidArgumentError: when 16 shifts of 2 ** 22 points are too few.
    """
    channels = component.loc.shape[0]
    shifts = tf.random.stateless_uniform(
        [_NUM_SHIFTS, 1, channels - 1], _SEED, dtype=tf.float64, alg=ALGORITHM
    )

    def body(count: tf.Tensor, sums: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        points = tf.math.sobol_sample(
            channels - 1, _POINTS_AT_ONCE, skip=count, dtype=tf.float64
        )
        found = _given_uniforms(component, (points + shifts) % 1, first, num_levels)
        return count + _POINTS_AT_ONCE, sums + tf.reduce_sum(found, axis=1)

    def is_unfinished(count: tf.Tensor, sums: tf.Tensor) -> tf.Tensor:
        # A Sobol sequence is even where its length is a power of two.
        is_even = tf.equal(tf.bitwise.bitwise_and(count, count - 1), 0)
        may_end = is_even & (count >= _FEWEST_POINTS)
        return ~(may_end & (_is_precise(count, sums, num_levels)))

    start = tf.zeros([_NUM_SHIFTS, channels - first], tf.float64)
    count, sums = tf.while_loop(
        is_unfinished,
        body,
        (tf.constant(0), start),
        maximum_iterations=_MOST_POINTS // _POINTS_AT_ONCE,
    )
    rule = (
        f"The mean of {channels} channels of {num_levels} levels could not be found to "
        f"{TOLERANCE} of the range. Take the mean of samples."
    )
    check = tf.debugging.Assert(_is_precise(count, sums, num_levels), [rule])
    with tf.control_dependencies([check]):
        mean = tf.reduce_mean(sums, axis=0) / tf.cast(count, tf.float64)
    return tf.raw_ops.PreventGradient(
        input=mean,
        message="The mean of so many channels and levels is taken over a sample of "
        "values, and has no gradient.",
    )


def _is_precise(count: tf.Tensor, sums: tf.Tensor, num_levels: int) -> tf.Tensor:
    """Whether the shifts agree."""
    variance = tf.math.reduce_variance(sums / tf.cast(count, tf.float64), axis=0)
    error = _STANDARD_ERRORS * tf.sqrt(variance / (_NUM_SHIFTS - 1))
    return tf.reduce_all(error < TOLERANCE * (num_levels - 1))


def _given_uniforms(
    component: PixelMixture, uniforms: tf.Tensor, first: int, num_levels: int
) -> tf.Tensor:
    """Mean levels of channels given those before them.

    Args:
        component: as for `means`.
        uniforms: float64 tensor (shifts, n, channels - 1) in [0, 1].
        first: index of the first of the channels.
        num_levels: number of levels.

    Returns:
        float64 tensor (shifts, n, channels - first).
    """
    uniforms = tf.clip_by_value(uniforms, 2.0**-53, 1 - 2.0**-53)
    noise = tf.math.log(uniforms) - tf.math.log1p(-uniforms)
    inverse_scale = discretized_logistic.inverse_scale_of(component.log_scale[:, 0])
    levels, found = tf.zeros_like(uniforms[..., :0]), []
    for channel in range(component.loc.shape[0]):
        loc = discretized_mixture.channel_loc(component, levels, channel, num_levels)
        loc = loc[..., 0]
        if channel >= first:
            found.append(mean_level(loc, inverse_scale[channel], num_levels))
        if channel < noise.shape[-1]:
            value = loc + noise[..., channel] / inverse_scale[channel]
            level = tf.clip_by_value(tf.floor(value + 0.5), 0, num_levels - 1)
            levels = tf.concat([levels, level[..., tf.newaxis]], axis=-1)
    return tf.stack(found, axis=-1)
