"""The mean level of one discretised logistic, at a cost that no level adds to."""

import tensorflow as tf

_FEW_EDGES = 64
"""So many are summed as they are."""

_REACH = 15
"""Edges farther than this from a location whose scale is at most 1 are all below it, or
all above it, but for 1e-6."""

_FARTHEST = 50.0
"""In scales: nothing of a logistic is farther from its location."""


def mean_level(loc: tf.Tensor, inverse_scale: tf.Tensor, num_levels: int) -> tf.Tensor:
    """The mean level of logistics of one scale.

    It is the sum, over the edges between levels, of the probability of being above
    each: of at most 64 edges the sum itself. Of more, where the scale is below 1, the
    sum over the edges near the location; where it is above, the integral, with the
    first three corrections of Euler and Maclaurin at both ends of the range.

    Args:
        loc: float64 tensor (...), in levels.
        inverse_scale: float64 tensor (), above 0 and finite.
        num_levels: number of levels, of which 0 is the lowest.

    Returns:
        float64 tensor (...), in levels, with an error below 3e-6 levels.
    """
    num_edges = num_levels - 1
    if num_edges <= _FEW_EDGES:
        edges = tf.range(num_edges, dtype=loc.dtype) + 0.5
        return _sum_above(loc, edges, inverse_scale)
    return tf.cond(
        inverse_scale > 1,
        lambda: _of_narrow(loc, inverse_scale, num_edges),
        lambda: _of_wide(loc, inverse_scale, num_edges),
    )


def _sum_above(loc: tf.Tensor, edges: tf.Tensor, inverse_scale: tf.Tensor) -> tf.Tensor:
    above = tf.sigmoid((loc[..., tf.newaxis] - edges) * inverse_scale)
    return tf.reduce_sum(above, axis=-1)


def _of_narrow(loc: tf.Tensor, inverse_scale: tf.Tensor, num_edges: int) -> tf.Tensor:
    """For scales up to 1."""
    loc = tf.clip_by_value(loc, -2.0 * _REACH, num_edges + 2.0 * _REACH)
    first = tf.floor(loc) - _REACH
    index = first[..., tf.newaxis] + tf.range(2 * _REACH, dtype=loc.dtype)
    # Edges that there are not: nothing is above an edge at infinity.
    is_edge = (index >= 0) & (index < num_edges)
    edges = tf.where(is_edge, index + 0.5, 2.0 * num_edges + 100 * _REACH)
    below = tf.clip_by_value(first, 0, num_edges)
    return below + _sum_above(loc, edges, inverse_scale)


def _of_wide(loc: tf.Tensor, inverse_scale: tf.Tensor, num_edges: int) -> tf.Tensor:
    """For scales from 1 up."""
    length = num_edges * inverse_scale
    from_first = tf.clip_by_value(loc * inverse_scale, -_FARTHEST, length + _FARTHEST)
    from_last = from_first - length
    # The difference of two softpluses, which of a short range loses its digits.
    short = tf.sigmoid(from_last) * tf.math.expm1(tf.minimum(length, 1.0))
    difference = tf.nn.softplus(from_first) - tf.nn.softplus(from_last)
    area = tf.where(length < 1, tf.math.log1p(short), difference) / inverse_scale
    ends = [_correction(end, inverse_scale) for end in (from_first, from_last)]
    return area + ends[0] - ends[1]


def _correction(end: tf.Tensor, inverse_scale: tf.Tensor) -> tf.Tensor:
    """What an end adds to the integral, from the logistic's odd derivatives there."""
    slope, square = tf.sigmoid(end) * tf.sigmoid(-end), inverse_scale**2
    third, fifth = 1 - 6 * slope, 1 - 30 * slope + 120 * slope**2
    series = -1 / 24 + square * (7 / 5760 * third - square * 31 / 967_680 * fifth)
    return slope * inverse_scale * series
