"""LogisticMixture: the discretised mixture of logistics of PixelCNN++."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_pixelcnn.checks import check_integer, sizes_of
from keras_pixelcnn.likelihoods import (
    discretized_logistic,
    discretized_mixture,
)
from keras_pixelcnn.likelihoods.categorical import Categorical, guided_logits
from keras_pixelcnn.likelihoods.discretized_mixture import (
    ChannelMixture,
    PixelMixture,
    num_coefficients,
)
from keras_pixelcnn.likelihoods.pixel_likelihood import (
    PixelLikelihood,
    choose,
    first_to_reach,
)

_LEVELS_AT_ONCE = 24
"""Up to here the probabilities of all levels cost less than two shorter draws."""

_LEAST_SCALE = 0.05
"""Of a component, in levels: there 0.9999 of it are inside of one level."""

_INVERSE_SCALES = (1e-30, 1e30)
"""Bounds in drawing, where a temperature may be anything."""

_LEAST_WEIGHT = 1e-30
"""Less of a run of levels could be nothing in each of them."""

_WEIGHTS_AT_ONCE = 4096
"""Levels whose weights are computed together: it bounds the memory."""


class LogisticMixture(PixelLikelihood):
    """A discretised mixture of logistics, which knows the order of the levels.

    All channels of a pixel come from the same component, in which the location of each
    channel is moved linearly by the values of the channels before it. So the network
    runs once a pixel, and the number of its outputs does not grow with the levels.

    A network's outputs y of a pixel of C channels are K logits; then K numbers for each
    of C locations, C scales and C(C-1)/2 coefficients. They become, with levels scaled
    to [-1, 1]:

    - locations y + m, with the K values m evenly over [-1, 1], so that the components
      of a fresh network lie apart;
    - scales max(1 / (2 K), 1 / 10) exp(y) of the range, softly bounded below (by a
      softplus of the logarithm) at 0.05 levels: sharper components would gain nothing,
      and their gradients be huge;
    - coefficients tanh(y), as in the paper.

    Args:
        num_levels: number of values of a channel, 2 to 65,536.
        channels: channels of a pixel. Default 1.
        num_mixtures: number of components K. Default 10.

    Raises:
        ValueError: on arguments out of their ranges.

    References:
        Salimans et al. 2017, arXiv 1701.05517, sections 2.1 and 2.2.
    """

    name = "logistic_mixture"
    channels_at_once = True

    def __init__(
        self, num_levels: int, channels: int = 1, num_mixtures: int = 10
    ) -> None:
        super().__init__(num_levels, channels)
        self.num_mixtures = check_integer("num_mixtures", num_mixtures)

    @property
    def identifier(self) -> str | Mapping[str, Any]:
        """The name, with `num_mixtures` where that is not the default."""
        if self.num_mixtures == 10:
            return self.name
        return {"name": self.name, "num_mixtures": self.num_mixtures}

    @property
    def pixel_shape(self) -> tuple[int]:
        """Shape of a pixel's parameters, one axis; see the class."""
        rows = 1 + 2 * self.channels + num_coefficients(self.channels)
        return (rows * self.num_mixtures,)

    def mixture(self, parameters: tf.Tensor) -> PixelMixture:
        """Computes the mixtures that the parameters stand for; see the class.

        Args:
            parameters: float tensor (..., *pixel_shape).
        """
        parameters = tf.cast(parameters, tf.float32)
        self.check_shape("parameters", parameters, self.pixel_shape)
        rows = self.pixel_shape[0] // self.num_mixtures
        shape = [*sizes_of(parameters)[:-1], rows, self.num_mixtures]
        rows = tf.reshape(parameters, shape)
        scales, coefficients = 1 + self.channels, 1 + 2 * self.channels
        middle, least = (self.num_levels - 1) / 2, math.log(_LEAST_SCALE)
        initial = math.log(self.num_levels * max(0.5 / self.num_mixtures, 0.1))
        raised = initial - least
        # In [-1, 1]: where the components of a fresh network lie.
        apart = (2 * np.arange(self.num_mixtures) + 1) / self.num_mixtures - 1
        from_lowest = tf.cast(rows[..., 1:scales, :], tf.float64) + (1 + apart)
        return PixelMixture(
            rows[..., 0, :],
            middle * from_lowest,
            least + tf.nn.softplus(rows[..., scales:coefficients, :] + raised),
            tf.tanh(tf.cast(rows[..., coefficients:, :], tf.float64)),
        )

    def log_prob(self, parameters: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
        """Computes the log probability of each pixel.

        Args:
            parameters: float tensor (..., *pixel_shape).
            values: tensor (..., channels) of integers in [0, num_levels), of any type.

        Returns:
            float32 tensor (...), in nats; -inf for pixels with a value that is no
            level.
        """
        values = tf.convert_to_tensor(values)
        self.check_shape("values", values, [self.channels])
        levels = self.as_levels(values)
        floats = tf.cast(tf.maximum(levels, 0), tf.float64)
        mixture = self.mixture(parameters)
        nats = discretized_mixture.log_prob(mixture, floats, self.num_levels)
        is_possible = tf.reduce_all(levels >= 0, axis=-1)
        return tf.where(is_possible, nats, -float("inf"))

    def value_log_prob(self, parameters: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
        """Computes the log probability of each value; see `PixelLikelihood`."""
        levels = self.as_levels(tf.convert_to_tensor(image))
        floats = tf.cast(tf.maximum(levels, 0), tf.float64)
        mixture = self.mixture(parameters)
        nats = discretized_mixture.channel_log_prob(mixture, floats, self.num_levels)
        return tf.where(levels >= 0, nats, -float("inf"))

    def channel_parameters(
        self, parameters: tf.Tensor, values_before: Sequence[tf.Tensor]
    ) -> tf.Tensor:
        """Computes the next channel's own mixture.

        Args:
            parameters: float tensor (examples, *pixel_shape).
            values_before: for each channel before it (examples,), levels of any type.

        Returns:
            float32 tensor (examples, 4 num_mixtures): logits, locations, what is to be
            added to these beyond the digits of float32, and logarithms of scales, all
            but the first in levels.
        """
        values = [tf.cast(value, tf.float64) for value in values_before]
        levels = tf.stack(values, axis=-1) if values else tf.zeros([1, 0], tf.float64)
        mixture = self.mixture(parameters)
        channel = discretized_mixture.next_channel(mixture, levels, self.num_levels)
        return tf.concat(channel, axis=-1)

    def level_weights(self, parameters: tf.Tensor) -> tf.Tensor:
        """Computes probabilities by the cumulative distribution; see `PixelLikelihood`.

        Those of a row sum to what its components weigh, the likeliest of them 1.
        """
        mixture = self._as_weights(parameters, tf.ones_like(parameters[:, 0]))
        run_weights = discretized_logistic.run_weights
        if self.num_levels <= _WEIGHTS_AT_ONCE:
            return run_weights(0.0, 1, self.num_levels, *mixture)
        parts = tf.map_fn(
            lambda first: run_weights(first, 1, _WEIGHTS_AT_ONCE, *mixture),
            tf.range(0.0, self.num_levels, _WEIGHTS_AT_ONCE),
            parallel_iterations=1,
        )
        examples = tf.shape(parameters)[0]
        whole = tf.reshape(tf.transpose(parts, [1, 0, 2]), [examples, -1])
        return tf.ensure_shape(whole[:, : self.num_levels], [None, self.num_levels])

    def sample(
        self,
        parameters: tf.Tensor,
        uniforms: tf.Tensor,
        temperature: tf.Tensor,
        top_p: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Samples a channel's values; see `PixelLikelihood`.

        The temperature divides the logits of the channel's components and multiplies
        their scales.
        """
        if top_p is not None:
            table = self._level_logits(parameters, temperature)
            return self._sample_table(table, uniforms, top_p)
        mixture = self._as_weights(parameters, temperature)
        run_weights = discretized_logistic.run_weights
        if self.num_levels <= _LEVELS_AT_ONCE:
            weights = run_weights(0.0, 1, self.num_levels, *mixture)
            return choose(weights, uniforms)[0]
        # First a run of neighbouring levels, then a level in it.
        length, totals = self._run_weights(mixture)
        totals = tf.where(totals < _LEAST_WEIGHT, 0.0, totals)
        run, rest = choose(totals, uniforms, none=0)  # the second draw says so
        first = run * length
        weights = self._weights_in_run(mixture, first, length)
        return first + first_to_reach(rest, weights)

    def choose_value(
        self, parameters: tf.Tensor, ask: Callable[[tf.Tensor, int], tf.Tensor]
    ) -> tf.Tensor:
        """Lets a function choose runs of levels, and levels in them, as `sample` does.

        Of 256 levels that takes an eighth of the weights.
        """
        if self.num_levels <= _LEVELS_AT_ONCE:
            return super().choose_value(parameters, ask)
        mixture = self._as_weights(parameters, tf.ones_like(parameters[:, 0]))
        length, totals = self._run_weights(mixture)
        first = ask(totals, length) * length
        weights = self._weights_in_run(mixture, first, length)
        # Of a run that is next to impossible all levels are alike.
        chosen = first + ask(tf.maximum(weights, _LEAST_WEIGHT), 1)
        return tf.minimum(chosen, self.num_levels - 1)  # the last run may reach beyond

    def _run_weights(self, mixture: tuple[Any, ...]) -> tuple[int, tf.Tensor]:
        """Returns how many levels a run has, and weights of runs (examples, runs)."""
        length = math.isqrt(self.num_levels - 1) + 1
        count = -(-self.num_levels // length)
        return length, discretized_logistic.run_weights(0.0, length, count, *mixture)

    def _weights_in_run(
        self, mixture: tuple[Any, ...], first: tf.Tensor, length: int
    ) -> tf.Tensor:
        """Computes weights of a run's levels, (examples, length)."""
        first = tf.cast(first, tf.float32)[:, tf.newaxis]
        return discretized_logistic.run_weights(first, 1, length, *mixture)

    def sample_guided(
        self,
        conditional: tf.Tensor,
        unconditional: tf.Tensor,
        scale: tf.Tensor,
        uniforms: tf.Tensor,
        temperature: tf.Tensor,
        top_p: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Samples by classifier-free guidance of levels; see `PixelLikelihood`.

        Both mixtures are tempered before their levels are compared.
        """
        table = guided_logits(
            self._level_logits(conditional, temperature),
            self._level_logits(unconditional, temperature),
            scale,
        )
        return self._sample_table(table, uniforms, top_p)

    def _tempered(
        self, parameters: tf.Tensor, temperature: tf.Tensor
    ) -> ChannelMixture:
        """Tempers a channel's mixture, its highest logit 0: each (examples, 1, K)."""
        self.check_shape("parameters", parameters, [4 * self.num_mixtures])
        parts = tf.split(parameters[:, tf.newaxis], 4, axis=-1)
        logits, loc, rest, log_scale = parts
        temperature = self.warm_enough(temperature)[:, tf.newaxis]
        logits -= tf.reduce_max(logits, axis=-1, keepdims=True)
        log_scale += tf.math.log(temperature)
        # Divided last: the highest stays 0 however low the temperature is.
        return ChannelMixture(logits / temperature, loc, rest, log_scale)

    def _as_weights(
        self, parameters: tf.Tensor, temperature: tf.Tensor
    ) -> tuple[Any, ...]:
        """Returns a channel's mixture as `run_weights` takes it."""
        logits, *loc, log_scale = self._tempered(parameters, temperature)
        inverse_scale = tf.clip_by_value(tf.exp(-log_scale), *_INVERSE_SCALES)
        return (tf.exp(logits), *loc, inverse_scale, self.num_levels)

    def _level_logits(self, parameters: tf.Tensor, temperature: tf.Tensor) -> tf.Tensor:
        """Computes the log probability of each level, (examples, num_levels)."""
        tempered = self._tempered(parameters, temperature)
        logits, loc, rest, log_scale = (tf.cast(x, tf.float64) for x in tempered)
        levels = np.arange(self.num_levels, dtype="float64")[:, np.newaxis]
        distance = levels - (loc + rest)  # of any scale, where the temperature is low
        nats = discretized_logistic.log_prob(
            distance, levels, log_scale, self.num_levels
        )
        nats = tf.reduce_logsumexp(tf.nn.log_softmax(logits) + nats, axis=-1)
        return tf.cast(nats, tf.float32)

    def _sample_table(
        self, table: tf.Tensor, uniforms: tf.Tensor, top_p: tf.Tensor | None
    ) -> tf.Tensor:
        ones = tf.ones_like(uniforms)  # the temperature is in the table
        return Categorical(self.num_levels).sample(table, uniforms, ones, top_p)
