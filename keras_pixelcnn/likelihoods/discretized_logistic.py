"""The logistic distribution of a level: stable at every location and scale.

A level k of L stands for the interval (k - 1/2, k + 1/2), the first and the last one
for all that lies beyond as well. Locations and scales are in levels, and distances to
a location are taken before anything is rounded to float32: that is what all digits
depend on where the scale is small.

References:
    Salimans et al. 2017, arXiv 1701.05517, section 2.1.
"""

import numpy as np
import tensorflow as tf

_LOG_SCALES = (-52.0, 80.0)
"""Beyond them nothing changes any more."""

_FARTHEST = 4e30
"""Locations farther away than so many scales, or levels, count as this far (but for 1e8
levels): so that nats, sums of them over images, and gradients are finite."""

_SHORT = 16
"""In so few levels float32 holds a place to 1e-6 levels."""


def log_prob(
    distance: tf.Tensor, levels: tf.Tensor, log_scale: tf.Tensor, num_levels: int
) -> tf.Tensor:
    """Computes the log probability of levels.

    With a and b the interval's upper and lower edge, in scales from the location,
    sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)), which loses no
    digits; and b - a is minus one over the scale.

    Args:
        distance: float tensor, the levels less the locations. In float32 it is precise
            enough for scales from 0.05 levels up, in float64 for all.
        levels: float tensor of whole numbers in [0, num_levels), of any type, broadcast
            with the others.
        log_scale: float tensor, of the distance's type.
        num_levels: number of levels.

    Returns:
        Float tensor of that type, in nats, finite, with finite gradients.
    """
    inverse_scale = tf.exp(-tf.clip_by_value(log_scale, *_LOG_SCALES))
    farthest = tf.clip_by_value(_FARTHEST / inverse_scale, 1e8, _FARTHEST)
    farthest = tf.stop_gradient(farthest)
    distance = tf.maximum(tf.minimum(distance, farthest), -farthest)
    below_upper = tf.math.log_sigmoid((0.5 + distance) * inverse_scale)
    above_lower = tf.math.log_sigmoid((0.5 - distance) * inverse_scale)
    inside = below_upper + above_lower + _log_share(inverse_scale)
    nats = tf.where(levels >= num_levels - 1, above_lower, inside)
    return tf.where(levels <= 0, below_upper, nats)


def split_loc(loc: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Splits a float64 location into a float32 one and its rest, as float32."""
    loc = tf.clip_by_value(loc, -_FARTHEST, _FARTHEST)
    rounded = tf.cast(loc, tf.float32)
    return rounded, tf.cast(loc - tf.cast(rounded, tf.float64), tf.float32)


def run_weights(
    first: tf.Tensor | float,
    length: int,
    count: int,
    weights: tf.Tensor,
    loc: tf.Tensor,
    loc_rest: tf.Tensor,
    inverse_scale: tf.Tensor,
    num_levels: int,
) -> tf.Tensor:
    """Computes the probabilities of runs of neighbouring levels in a mixture.

    By the same product as `log_prob`, so that they are positive and precise wherever
    floats can hold them. Written in few operations: it is run for every value drawn.

    Args:
        first: float tensor (batch, 1), a multiple of `count` x `length`: the first
            level of the first run. Or 0.
        length: levels in a run.
        count: number of runs. Those above all levels have probability 0.
        weights: float tensor (batch, 1, K), of components.
        loc: float tensor (batch, 1, K).
        loc_rest: what is to be added to `loc`, see `split_loc`, (batch, 1, K).
        inverse_scale: float tensor (batch, 1, K), above 0, finite.
        num_levels: number of levels; where a run goes beyond, it is open.

    Returns:
        Float tensor (batch, count), the weighted sums over the components.
    """
    steps = np.arange(count + 1, dtype="float32") * length - 0.5
    lower = first + steps
    is_above = lower > num_levels - 1
    is_open = (lower[..., :-1] < 0) | (is_above[..., 1:] & ~is_above[..., :-1])
    if count * length <= _SHORT:  # there float32 holds the location as it is
        loc, first = loc - tf.expand_dims(first, -1) + loc_rest, 0.0
    edges = tf.where(lower < 0, -np.inf, tf.where(is_above, np.inf, first + steps))
    distance = edges[..., tf.newaxis] - loc
    if count * length > _SHORT:
        # Edges and locations nearby have an exact difference: the rest comes after.
        distance -= loc_rest
    distance *= inverse_scale
    inside = weights * tf.sigmoid(distance[:, 1:]) * tf.sigmoid(-distance[:, :-1])
    share = -tf.math.expm1(-length * inverse_scale)
    closed = tf.reduce_sum(share * inside, axis=-1)
    return tf.where(is_open, tf.reduce_sum(inside, axis=-1), closed)


def _log_share(inverse_scale: tf.Tensor) -> tf.Tensor:
    """Computes log(1 - exp(-x)) for x = 1 / scale.

    Each formula gets only what it can take: else its gradient, though not chosen, would
    make all gradients NaN.
    """
    wide = tf.math.log(-tf.math.expm1(-tf.minimum(inverse_scale, 0.7)))
    narrow = tf.math.log1p(-tf.exp(-tf.maximum(inverse_scale, 0.7)))
    return tf.where(inverse_scale > 0.7, narrow, wide)
