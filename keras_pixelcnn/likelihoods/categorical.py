"""Categorical: a softmax over the levels of a pixel's channel."""

import math
import numbers

import tensorflow as tf

_LEVELS_AT_ONCE = 64
"""Up to here one cumulative sum costs less than two short ones."""


class Categorical:
    """Each channel of each pixel is one of `num_levels` values, without any order.

    Args:
        num_levels: number of values, 2 to 65,536.

    References:
        van den Oord et al. 2016, arXiv 1601.06759, section 3.4.
    """

    name = "categorical"

    def __init__(self, num_levels: int) -> None:
        is_integer = isinstance(num_levels, numbers.Integral)
        if not is_integer or not 2 <= num_levels <= 65_536:
            raise ValueError(
                "num_levels must be an integer from 2 to 65,536. "
                f"Received: num_levels={num_levels!r}"
            )
        self.num_levels = int(num_levels)

    @property
    def num_parameters(self) -> int:
        """Number of parameters for each channel: one logit for each level."""
        return self.num_levels

    def as_levels(self, values: tf.Tensor) -> tf.Tensor:
        """Values of any type as levels.

        Args:
            values: tensor (...) of integers or floats.

        Returns:
            int32 tensor (...): the levels, -1 for what is none: values out of the
            range or between two levels.
        """
        if not values.dtype.is_floating:
            values = tf.cast(values, tf.int64)
        possible = (values >= 0) & (values < self.num_levels)
        if values.dtype.is_floating:
            possible &= tf.equal(values, tf.floor(values))
        return tf.where(possible, tf.cast(values, tf.int32), -1)

    def log_prob(self, logits: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
        """Log probability of each value.

        Args:
            logits: float tensor (..., num_levels).
            values: tensor (...) of integers in [0, num_levels), of any type.

        Returns:
            float32 tensor (...), in nats; -inf for values that are no level.
        """
        levels = self.as_levels(tf.convert_to_tensor(values))
        logits = tf.cast(logits, tf.float32)
        # In fewer passes over the logits than TensorFlow's cross entropy takes.
        highest = tf.stop_gradient(tf.reduce_max(logits, axis=-1, keepdims=True))
        total = tf.reduce_sum(tf.exp(logits - highest), axis=-1)
        chosen = tf.gather(
            logits, tf.maximum(levels, 0)[..., tf.newaxis], batch_dims=levels.shape.rank
        )
        nats = (chosen - highest)[..., 0] - tf.math.log(total)
        return tf.where(levels >= 0, nats, -float("inf"))

    def guide(
        self, conditional: tf.Tensor, unconditional: tf.Tensor, scale: tf.Tensor
    ) -> tf.Tensor:
        """Moves logits away from those of the unconditional model.

        Args:
            conditional: float tensor (batch, num_levels).
            unconditional: the same.
            scale: float32 tensor (batch,): 0 gives the unconditional logits, 1 the
                conditional ones, more exaggerates what the condition changes.

        Returns:
            float32 tensor (batch, num_levels).

        References:
            Ho and Salimans 2022, arXiv 2207.12598, equation 6, in logit space.
        """
        conditional = tf.cast(conditional, tf.float32)
        unconditional = tf.cast(unconditional, tf.float32)
        change = conditional - unconditional
        return unconditional + scale[:, tf.newaxis] * change

    def sample(
        self,
        logits: tf.Tensor,
        uniforms: tf.Tensor,
        temperature: tf.Tensor,
        top_p: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Draws by inverting the cumulative distribution.

        Args:
            logits: float tensor (batch, num_levels).
            uniforms: float32 tensor (batch,), in [0, 1): the noise.
            temperature: float32 tensor (batch,), above 0; divides the logits.
            top_p: float32 tensor (batch,), in (0, 1]: draws from the fewest likeliest
                levels that together have at least this probability, at the given
                temperature. Default: from all.

        Returns:
            int32 tensor (batch,): the smallest value whose cumulative probability
            exceeds the noise, which is never a value of probability zero.
        """
        logits = tf.cast(logits, tf.float32)
        logits -= tf.reduce_max(logits, axis=-1, keepdims=True)
        # Divided last: the highest stays 0 however low the temperature is.
        weights = tf.exp(logits / temperature[:, tf.newaxis])
        if top_p is not None:
            weights = _keep_likeliest(weights, top_p)
        if self.num_levels <= _LEVELS_AT_ONCE:
            cumulative = tf.cumsum(weights, axis=-1)
            threshold = uniforms[:, tf.newaxis] * cumulative[:, -1:]
            return _first_above(threshold, cumulative, weights)
        return self._sample_in_two_steps(weights, uniforms)

    def _sample_in_two_steps(
        self, weights: tf.Tensor, uniforms: tf.Tensor
    ) -> tf.Tensor:
        # First a run of neighbouring levels, then a level in it: the same draw, without
        # a long cumulative sum, which costs more than the network's own step.
        length = math.isqrt(self.num_levels - 1) + 1
        padding = length * length - self.num_levels
        if padding:
            weights = tf.pad(weights, [[0, 0], [0, padding]])
        runs = tf.reshape(weights, [-1, length, length])
        totals = tf.reduce_sum(runs, axis=-1)
        cumulative = tf.cumsum(totals, axis=-1)
        threshold = uniforms[:, tf.newaxis] * cumulative[:, -1:]
        run = _first_above(threshold, cumulative, totals)
        before = tf.where(tf.range(length) < run[:, tf.newaxis], cumulative, 0.0)
        threshold -= tf.reduce_max(before, axis=-1, keepdims=True)
        weights = tf.gather(runs, run, batch_dims=1)
        cumulative = tf.cumsum(weights, axis=-1)
        return run * length + _first_above(threshold, cumulative, weights)


def _keep_likeliest(weights: tf.Tensor, top_p: tf.Tensor) -> tf.Tensor:
    """Zeroes the weights of all but the fewest levels that have the probability.

    Holtzman et al. 2019, arXiv 1904.09751, section 3.1. Of equal weights all or none
    are kept, and never fewer than one level.
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
    """The first index of a cumulative weight above the threshold, int32 (batch,).

    However sums are rounded, and in whatever order, the index is one of a weight above
    zero: the last of these where rounding put the threshold above all.
    """
    indices = tf.range(weights.shape[-1])
    is_possible = weights > 0.0
    is_above = tf.where(is_possible, cumulative, -1.0) > threshold
    first = tf.reduce_min(tf.where(is_above, indices, weights.shape[-1]), axis=-1)
    last = tf.reduce_max(tf.where(is_possible, indices, 0), axis=-1)
    return tf.minimum(first, last)
