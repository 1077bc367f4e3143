"""Drawing levels by inverting a cumulative distribution, given as weights."""

import tensorflow as tf


def first_above(threshold: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """The first index whose cumulative weight is above a threshold.

    However sums are rounded, and in whatever order, the index is one of a weight above
    zero: the last of these where rounding put the threshold above all.

    Args:
        threshold: float32 tensor (batch, 1).
        weights: float32 tensor (batch, n), not negative, one of them above zero.

    Returns:
        int32 tensor (batch,).
    """
    return _first_above(threshold, tf.cumsum(weights, axis=-1), weights)


def choose(weights: tf.Tensor, uniforms: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The index that a uniform number falls on, and how far it reaches into it.

    Args:
        weights: float32 tensor (batch, n), as for `first_above`.
        uniforms: float32 tensor (batch,), in [0, 1).

    Returns:
        int32 tensor (batch,), and float32 (batch, 1): what of the uniform's share of
        all weights is left when those before the index are taken away.
    """
    cumulative = tf.cumsum(weights, axis=-1)
    threshold = uniforms[:, tf.newaxis] * cumulative[:, -1:]
    index = _first_above(threshold, cumulative, weights)
    is_before = tf.range(weights.shape[-1]) < index[:, tf.newaxis]
    before = tf.where(is_before, cumulative, 0.0)
    return index, threshold - tf.reduce_max(before, axis=-1, keepdims=True)


def keep_likeliest(weights: tf.Tensor, top_p: tf.Tensor) -> tf.Tensor:
    """Zeroes the weights of all but the fewest levels that have the probability.

    Holtzman et al. 2019, arXiv 1904.09751, section 3.1. Of equal weights all or none
    are kept, and never fewer than one level.

    Args:
        weights: float32 tensor (batch, num_levels), as for `first_above`.
        top_p: float32 tensor (batch,), in (0, 1].
    """
    descending = tf.sort(weights, axis=-1, direction="DESCENDING")
    cumulative = tf.cumsum(descending, axis=-1)
    needed = top_p[:, tf.newaxis] * cumulative[:, -1:]
    before = cumulative - descending
    least = tf.reduce_min(
        tf.where(before < needed, descending, descending[:, :1]), axis=-1, keepdims=True
    )
    everything = top_p[:, tf.newaxis] >= 1.0  # rounding would drop the least likely
    return tf.where((weights >= least) | everything, weights, 0.0)


def _first_above(
    threshold: tf.Tensor, cumulative: tf.Tensor, weights: tf.Tensor
) -> tf.Tensor:
    indices = tf.range(weights.shape[-1])
    is_possible = weights > 0.0
    is_above = tf.where(is_possible, cumulative, -1.0) > threshold
    first = tf.reduce_min(tf.where(is_above, indices, weights.shape[-1]), axis=-1)
    last = tf.reduce_max(tf.where(is_possible, indices, 0), axis=-1)
    return tf.minimum(first, last)
