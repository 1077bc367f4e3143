"""PixelLikelihood: what every likelihood tells models and samplers."""

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import tensorflow as tf

from keras_pixelcnn.argument_checks import is_integer

_COLDEST = 1.2e-38
"""Processors take smaller float32 numbers for 0, which nothing can be divided by."""


class PixelLikelihood(abc.ABC):
    """What the numbers that a network gives for one pixel mean.

    A network ends with `math.prod(pixel_shape)` float32 features a pixel, dealt out to
    `color_groups` groups in the order of the channels, and reshaped to (height, width,
    *pixel_shape). They may depend on the pixels before; group k also on the channels
    before channel k. With a single group for several channels the likelihood itself
    makes each channel depend on those before it.

    A channel is drawn from parameters of its own. Where `channels_at_once` is False
    these are the pixel's parameters of that channel, else `channel_parameters` gives
    them.

    Args:
        num_levels: number of values of a channel, 2 to 65,536.
        channels: channels of a pixel. Default 1.

    Raises:
        ValueError: on arguments out of their ranges.
    """

    name: ClassVar[str]
    channels_at_once: ClassVar[bool]

    def __init__(self, num_levels: int, channels: int = 1) -> None:
        if not is_integer(num_levels, 2) or num_levels > 65_536:
            raise ValueError(
                "num_levels must be an integer from 2 to 65,536. "
                f"Received: num_levels={num_levels!r}"
            )
        if not is_integer(channels, 1):
            raise ValueError(
                "channels must be an integer of at least 1. "
                f"Received: channels={channels!r}"
            )
        self.num_levels = int(num_levels)
        self.channels = int(channels)

    @property
    def identifier(self) -> str | Mapping[str, Any]:
        """What `keras_pixelcnn.likelihoods.get` makes this likelihood of."""
        return self.name

    @property
    def color_groups(self) -> int:
        """Into how many groups a network orders its features; see the class."""
        return 1 if self.channels_at_once else self.channels

    @property
    @abc.abstractmethod
    def pixel_shape(self) -> tuple[int, ...]:
        """Shape of the parameters of one pixel."""

    @abc.abstractmethod
    def log_prob(self, parameters: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
        """Log probabilities in nats, as finely as the likelihood tells them apart."""

    @abc.abstractmethod
    def image_log_prob(self, parameters: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
        """Log probability of each image, given the parameters of its pixels.

        Args:
            parameters: float tensor (batch, height, width, *pixel_shape).
            image: tensor (batch, height, width, channels) of integers in [0,
                num_levels), of any type.

        Returns:
            float32 tensor (batch,), in nats; -inf where a value is no level.
        """

    def value_log_prob(self, parameters: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
        """Log probability of each value, given the values before it.

        This one works for every likelihood, through the weights of all levels; a
        likelihood that knows a shorter way overrides it.

        Args:
            parameters: float tensor (batch, height, width, *pixel_shape).
            image: tensor (batch, height, width, channels) of integers in [0,
                num_levels), of any type.

        Returns:
            float32 tensor (batch, height, width, channels), in nats, which sums to
            `image_log_prob`; -inf where a value is no level.
        """
        levels = self.as_levels(tf.convert_to_tensor(image))
        flat = tf.reshape(parameters, [-1, *self.pixel_shape])
        known = tf.reshape(tf.maximum(levels, 0), [-1, self.channels])
        known = tf.unstack(known, axis=1)
        nats = []
        for channel, chosen in enumerate(known):
            own = self.channel_parameters(flat, known[:channel])
            weights = self.level_weights(own)
            weight = tf.gather(weights, chosen[:, tf.newaxis], batch_dims=1)[:, 0]
            total = tf.reduce_sum(weights, axis=-1)
            nats.append(tf.math.log(weight) - tf.math.log(total))
        nats = tf.reshape(tf.stack(nats, axis=-1), tf.shape(levels))
        return tf.where(levels >= 0, nats, -float("inf"))

    @abc.abstractmethod
    def channel_parameters(
        self, parameters: tf.Tensor, values_before: Sequence[tf.Tensor]
    ) -> tf.Tensor:
        """The parameters of a pixel's next channel by itself.

        Args:
            parameters: float tensor (examples, *pixel_shape).
            values_before: for each channel before it int32 (examples,).

        Returns:
            Float tensor (examples, m).
        """

    @abc.abstractmethod
    def level_weights(self, parameters: tf.Tensor) -> tf.Tensor:
        """What the probabilities of all levels of a channel are in proportion to.

        Args:
            parameters: the channel's own, float tensor (examples, m).

        Returns:
            float32 tensor (examples, num_levels), at least 0, one of each row above it.
        """

    @abc.abstractmethod
    def sample(
        self,
        parameters: tf.Tensor,
        uniforms: tf.Tensor,
        temperature: tf.Tensor,
        top_p: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Draws a channel's values by inverting the cumulative distribution.

        Args:
            parameters: the channel's own, float tensor (examples, m).
            uniforms: float32 tensor (examples,), in [0, 1): the noise.
            temperature: float32 tensor (examples,), above 0. Below 1.2e-38 it counts
                as that.
            top_p: float32 tensor (examples,), in (0, 1]: draws from the fewest
                likeliest levels that together have at least this probability, at the
                given temperature. Default: from all.

        Returns:
            int32 tensor (examples,): the smallest value whose cumulative probability
            exceeds the noise, which is never a value of probability zero.
        """

    @abc.abstractmethod
    def sample_guided(
        self,
        conditional: tf.Tensor,
        unconditional: tf.Tensor,
        scale: tf.Tensor,
        uniforms: tf.Tensor,
        temperature: tf.Tensor,
        top_p: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Draws a channel's values away from those of the unconditional model.

        Args:
            conditional: the channel's own parameters, float tensor (examples, m).
            unconditional: the same of the unconditional model.
            scale: float32 tensor (examples,): 0 gives the unconditional model, 1 the
                conditional one, more exaggerates what the condition changes.
            uniforms: as for `sample`.
            temperature: as for `sample`.
            top_p: as for `sample`.

        Returns:
            int32 tensor (examples,).

        References:
            Ho and Salimans 2022, arXiv 2207.12598, equation 6, in logit space.
        """

    @staticmethod
    def warm_enough(temperature: tf.Tensor) -> tf.Tensor:
        """Temperatures (examples,) that can be divided by, as (examples, 1)."""
        return tf.maximum(temperature, _COLDEST)[:, tf.newaxis]

    @staticmethod
    def check_shape(name: str, tensor: tf.Tensor, shape: Sequence[int]) -> None:
        """Checks the last axes of a tensor, as far as they are known.

        Args:
            name: what errors call it.
            tensor: any.
            shape: what the last axes must be.

        Raises:
            ValueError: when they are not.
        """
        known = tensor.shape
        if known.rank is None:
            return
        if not known[-len(shape) :].is_compatible_with(shape):
            sizes = ", ".join(map(str, shape))
            raise ValueError(
                f"{name} must have the shape (..., {sizes}). "
                f"Received: {name} of shape {tuple(known)}"
            )

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
