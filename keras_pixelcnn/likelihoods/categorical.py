"""Categorical: a softmax over the levels of a pixel's channel."""

import math
from collections.abc import Sequence

import tensorflow as tf

from keras_pixelcnn.likelihoods.pixel_likelihood import (
    PixelLikelihood,
    choose,
    first_to_reach,
    keep_likeliest,
)

_LEVELS_AT_ONCE = 64
"""Up to here one cumulative sum costs less than two short ones."""


class Categorical(PixelLikelihood):
    """A softmax over the `num_levels` values of each channel, without any order.

    A likelihood that makes the logits of fewer numbers is a subclass with another
    `pixel_shape` and `logits`.

    Args:
        num_levels: number of values, 2 to 65,536.
        channels: channels of a pixel. Default 1.

    References:
        van den Oord et al. 2016, arXiv 1601.06759, section 3.4.
    """

    name = "categorical"
    channels_at_once = False
    orders_levels = False

    @property
    def pixel_shape(self) -> tuple[int, int]:
        """One logit for each level of each channel: (channels, num_levels)."""
        return self.channels, self.num_levels

    def logits(self, parameters: tf.Tensor) -> tf.Tensor:
        """Returns the logits of all levels.

        Args:
            parameters: float tensor (..., m), a channel's own: here the logits.

        Returns:
            float32 tensor (..., num_levels).
        """
        logits = tf.cast(parameters, tf.float32)
        self.check_shape("logits", logits, [self.num_levels])
        return logits

    def log_prob(self, parameters: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
        """Computes the log probability of each value.

        Args:
            parameters: float tensor (..., m), what `logits` takes.
            values: tensor (...) of integers in [0, num_levels), of any type.

        Returns:
            float32 tensor (...), in nats; -inf for values that are no level.
        """
        levels = self.as_levels(tf.convert_to_tensor(values))
        logits = self.logits(parameters)
        # In fewer passes over the logits than TensorFlow's cross entropy takes. A level
        # is looked up after the subtraction: the gradients of both uses then meet
        # before it, and no copy of the logits is kept.
        logits -= tf.stop_gradient(tf.reduce_max(logits, axis=-1, keepdims=True))
        total = tf.reduce_sum(tf.exp(logits), axis=-1)
        chosen = tf.gather(
            logits, tf.maximum(levels, 0)[..., tf.newaxis], batch_dims=levels.shape.rank
        )
        nats = chosen[..., 0] - tf.math.log(total)
        return tf.where(levels >= 0, nats, -float("inf"))

    def value_log_prob(self, parameters: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
        """Computes the log probability of each value; see `PixelLikelihood`."""
        return self.log_prob(parameters, image)

    def channel_parameters(
        self, parameters: tf.Tensor, values_before: Sequence[tf.Tensor]
    ) -> tf.Tensor:
        """Returns those of the next channel; see `PixelLikelihood`."""
        return parameters[:, len(values_before)]

    def level_weights(self, parameters: tf.Tensor) -> tf.Tensor:
        """Exponentiates the logits, the highest as 1; see `PixelLikelihood`."""
        logits = self.logits(parameters)
        return tf.exp(logits - tf.reduce_max(logits, axis=-1, keepdims=True))

    def sample_guided(
        self,
        conditional: tf.Tensor,
        unconditional: tf.Tensor,
        scale: tf.Tensor,
        uniforms: tf.Tensor,
        temperature: tf.Tensor,
        top_p: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Samples by classifier-free guidance of logits; see `PixelLikelihood`."""
        both = self.logits(conditional), self.logits(unconditional)
        logits = guided_logits(*both, scale)
        return self._sample(logits, uniforms, temperature, top_p)

    def sample(
        self,
        parameters: tf.Tensor,
        uniforms: tf.Tensor,
        temperature: tf.Tensor,
        top_p: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Samples values; the temperature divides logits; see `PixelLikelihood`."""
        return self._sample(self.logits(parameters), uniforms, temperature, top_p)

    def _sample(
        self,
        logits: tf.Tensor,
        uniforms: tf.Tensor,
        temperature: tf.Tensor,
        top_p: tf.Tensor | None,
    ) -> tf.Tensor:
        logits -= tf.reduce_max(logits, axis=-1, keepdims=True)
        # Divided last: the highest stays 0 however low the temperature is.
        weights = tf.exp(logits / self.warm_enough(temperature))
        if top_p is not None:
            weights = keep_likeliest(weights, top_p)
        if self.num_levels <= _LEVELS_AT_ONCE:
            return choose(weights, uniforms)[0]
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
        # Where no run is possible, no level is: so the second draw says.
        run, rest = choose(tf.reduce_sum(runs, axis=-1), uniforms, none=0)
        weights = tf.gather(runs, run, batch_dims=1)
        return run * length + first_to_reach(rest, weights)


def guided_logits(
    conditional: tf.Tensor, unconditional: tf.Tensor, scale: tf.Tensor
) -> tf.Tensor:
    """Applies classifier-free guidance to logits.

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
