"""Probabilities as integers that sum exactly and are never zero."""

import tensorflow as tf

PRECISION = 24
"""Frequencies of a table sum to two to this power; a float32 holds each of them."""

_UNITS = 2.0**36
"""The largest weight, in units: float64 then adds up 65,536 of them exactly."""


def frequency_tables(weights: tf.Tensor) -> tf.Tensor:
    """The frequencies of levels in proportion to weights, each less one.

    Every level has a frequency of at least 1; of what is left each gets its share,
    rounded down, and a likeliest one the rest. So a level is never given more than a
    likelier one. From the weights on all sums are of whole numbers below 2**53 in
    float64, which are exact in any order, so that the tables hang on no processor's way
    to add; and as shares are rounded down, the rest is never negative.

    "Less one" is the form in which `constriction` takes tables over without rounding:
    it gives each level 1 of 2**24, and the others in proportion, here one to one.

    Args:
        weights: float tensor (examples, num_levels), at least 0, one above it.

    Returns:
        float32 tensor (examples, num_levels) of whole numbers, at least 0, rows of the
        sum 2**24 - num_levels; NaN where a weight is NaN or infinite, or all are 0.
    """
    num_levels = weights.shape[-1]
    free = 2.0**PRECISION - num_levels
    weights = tf.cast(weights, tf.float64)
    highest = tf.reduce_max(weights, axis=-1, keepdims=True)
    units = tf.floor(weights * (_UNITS / highest))
    total = tf.reduce_sum(units, axis=-1, keepdims=True)
    shares = tf.floor(units * (free / total))
    rest = free - tf.reduce_sum(shares, axis=-1, keepdims=True)
    likeliest = tf.argmax(units, axis=-1, output_type=tf.int32)
    gets_rest = tf.equal(tf.range(num_levels), likeliest[:, tf.newaxis])
    return tf.cast(tf.where(gets_rest, shares + rest, shares), tf.float32)
