"""DiscretizedLogisticMixture: a distribution over a pixel's channels."""

from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow_probability import distributions as tfd

from keras_pixelcnn.distributions.level_distribution import (
    LevelDistribution,
    as_call_seed,
)
from keras_pixelcnn.likelihoods import LogisticMixture, discretized_mixture
from keras_pixelcnn.likelihoods.discretized_mixture import PixelMixture
from keras_pixelcnn.samplers.noise import ALGORITHM, random_call_seed

_PRECISE = ("loc", "coefficients")
"""Parameters that may be float64 tensors: a model's have more digits than float32."""


class DiscretizedLogisticMixture(LevelDistribution):
    """A mixture of logistics over the channels of a pixel, cut into levels.

    All channels come from one component. A level k stands for what lies between k - 1/2
    and k + 1/2, the first and the last one for all beyond as well. In a component, the
    location of a channel is moved by each channel before it: by a coefficient times the
    distance of that channel's level from the middle one.

    Args:
        logits: float32 tensor (..., K), of the components.
        loc: float32 or float64 tensor (..., K, channels), in levels: 0 is the lowest
            level.
        scale: float32 tensor (..., K, channels), in levels, above 0.
        coefficients: float32 or float64 tensor (..., K, channels (channels - 1) / 2),
            in the order (1, 0), (2, 0), (2, 1), ... of a channel and one before it.
            Default: zeros, channels independent in a component.
        log_scale: the logarithm of `scale`, instead of it. Gradients with respect to it
            are finite where those with respect to a tiny scale overflow.
        num_levels: number of levels, 2 to 65,536. Default 256.
        validate_args: as in TensorFlow Probability. Default False: values that are no
            level have log probability -inf.
        allow_nan_stats: as in TensorFlow Probability.
        name: default "DiscretizedLogisticMixture".

    What leads the shapes is broadcast and is the batch shape; the event shape is
    (channels,), of int32 levels. A seed is an integer or a stateless one of two; the
    first samples of many are those of few. `log_prob` is exact at every location and
    scale. There is no `mean`: the ends of the range make it a sum over the values of
    all channels but one; average samples for it.

    Raises:
        ValueError: when the number of channels, components or coefficients do not fit.
        tf.errors.InvalidArgumentError: with `validate_args`, when a scale is not above
            0, or a value is no level.
        NotImplementedError: by `mean`.

    Example:
        >>> grey = DiscretizedLogisticMixture(
        ...     logits=[0.0, 1.0], loc=[[30.0], [200.0]], scale=[[5.0], [20.0]]
        ... )
        >>> grey.log_prob([31]), grey.sample(3, seed=1)

    References:
        Salimans et al. 2017, arXiv 1701.05517, sections 2.1 and 2.2.
    """

    def __init__(
        self,
        logits: Any,
        loc: Any,
        scale: Any = None,
        coefficients: Any = None,
        log_scale: Any = None,
        num_levels: int = 256,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "DiscretizedLogisticMixture",
    ) -> None:
        parameters = dict(locals())
        if (scale is None) == (log_scale is None):
            raise ValueError("Exactly one of scale and log_scale must be given.")
        with tf.name_scope(name) as name:
            self.logits = _as_tensor(logits, "logits")
            self.loc = _as_tensor(loc, "loc")
            self.scale = _as_tensor(scale, "scale")
            self.log_scale = _as_tensor(log_scale, "log_scale")
            self.coefficients = _as_tensor(coefficients, "coefficients")
        self.num_levels = num_levels
        self._likelihood = self._checked_likelihood()
        super().__init__(
            dtype=tf.int32,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            parameters=parameters,
            name=name,
        )

    @classmethod
    def of_pixels(
        cls, likelihood: LogisticMixture, parameters: tf.Tensor, **kwargs: Any
    ) -> "DiscretizedLogisticMixture":
        """Makes the distribution of each pixel of a model, given those before it.

        Args:
            likelihood: the model's `pixel_likelihood`.
            parameters: what the model gives for images, (batch, height, width, n).
            **kwargs: as for the class: validate_args, allow_nan_stats, name.

        Returns:
            A distribution of batch shape (batch, height, width).

        Raises:
            TypeError: when the likelihood is another.
        """
        if not isinstance(likelihood, LogisticMixture):
            raise TypeError(
                "likelihood must be a LogisticMixture. "
                f"Received: {type(likelihood).__name__}"
            )
        mixture = likelihood.mixture(parameters)
        return cls(
            mixture.logits,
            _swapped(mixture.loc),
            coefficients=_swapped(mixture.coefficients),
            log_scale=_swapped(mixture.log_scale),
            num_levels=likelihood.num_levels,
            **kwargs,
        )

    @classmethod
    def _parameter_properties(cls, dtype: Any, num_classes: Any = None) -> dict:
        properties = tfp.util.ParameterProperties
        return {
            "logits": properties(event_ndims=1),
            "loc": properties(event_ndims=2),
            "scale": properties(
                event_ndims=2, default_constraining_bijector_fn=tfp.bijectors.Softplus
            ),
            "coefficients": properties(event_ndims=2),
            "log_scale": properties(event_ndims=2),
        }

    def _checked_likelihood(self) -> LogisticMixture:
        """Makes the likelihood, once the sizes of the parameters fit together."""
        scale = self.log_scale if self.scale is None else self.scale
        components, channels = set(), set()
        if self.logits.shape.rank != 0 and 2 <= _least_rank(self.loc, scale):
            components = {self.logits.shape[-1], self.loc.shape[-2], scale.shape[-2]}
            channels = {self.loc.shape[-1], scale.shape[-1]}
        if len(components) != 1 or len(channels) != 1:
            raise ValueError(
                "logits must be (..., K), loc and scale (..., K, channels). Received: "
                f"logits of shape {tuple(self.logits.shape)}, loc of shape "
                f"{tuple(self.loc.shape)}, scale of shape {tuple(scale.shape)}"
            )
        (channels,) = channels
        pairs = discretized_mixture.num_coefficients(channels)
        given = self.coefficients
        if given is not None and tuple(given.shape[-2:]) != (*components, pairs):
            raise ValueError(
                f"coefficients must be (..., K, {pairs}) for {channels} channels. "
                f"Received: coefficients of shape {tuple(given.shape)}"
            )
        return LogisticMixture(self.num_levels, channels, *components)

    def _mixture(self) -> PixelMixture:
        loc = tf.cast(_swapped(self.loc), tf.float64)
        channels, components = loc.shape[-2:]
        if self.coefficients is None:
            pairs = discretized_mixture.num_coefficients(channels)
            coefficients = tf.zeros([pairs, components], tf.float64)
        else:
            coefficients = tf.cast(_swapped(self.coefficients), tf.float64)
        if self.log_scale is None:
            log_scale = tf.math.log(tf.cast(self.scale, tf.float64))
        else:
            log_scale = tf.cast(self.log_scale, tf.float64)
        logits = tf.cast(self.logits, tf.float64)
        return PixelMixture(logits, loc, _swapped(log_scale), coefficients)

    def _event_shape(self) -> tf.TensorShape:
        return tf.TensorShape([self._likelihood.channels])

    def _event_shape_tensor(self) -> tf.Tensor:
        return tf.constant([self._likelihood.channels], tf.int32)

    def _log_prob(self, value: tf.Tensor) -> tf.Tensor:
        value = tf.convert_to_tensor(value)
        if value.shape.rank is None or value.shape[-1:] == [None]:
            raise ValueError(
                "value must have a known number of axes and channels: tf.ensure_shape "
                f"tells them to a graph. Received: value of shape {value.shape}"
            )
        self._likelihood.check_shape("value", value, [self._likelihood.channels])
        levels = self._likelihood.as_levels(value)
        floats = tf.cast(tf.maximum(levels, 0), tf.float64)
        nats = discretized_mixture.log_prob(self._mixture(), floats, self.num_levels)
        is_possible = tf.reduce_all(levels >= 0, axis=-1)
        return tf.where(is_possible, tf.cast(nats, tf.float32), -float("inf"))

    def _sample_n(self, n: tf.Tensor, seed: Any = None) -> tf.Tensor:
        shape = tf.concat([[n], self.batch_shape_tensor()], axis=0)
        seed = as_call_seed(seed)
        if seed is None:
            seed = random_call_seed()
        noise = tf.random.stateless_uniform(
            tf.concat([shape, self._event_shape_tensor()], axis=0),
            tf.stack([tf.cast(seed, tf.int64), 0]),
            alg=ALGORITHM,
        )
        mixture, channels = self._mixture(), self._likelihood.channels
        levels = tf.zeros([*[1] * len(self.batch_shape), 0], tf.float64)
        drawn = []
        for channel in range(channels):
            if drawn:
                levels = tf.cast(tf.stack(drawn, axis=-1), tf.float64)
            own = discretized_mixture.next_channel(mixture, levels, self.num_levels)
            drawn.append(self._draw_channel(own, noise[..., channel]))
        return tf.stack(drawn, axis=-1)

    def _draw_channel(
        self, own: discretized_mixture.ChannelMixture, noise: tf.Tensor
    ) -> tf.Tensor:
        components = self._likelihood.num_mixtures
        shape = tf.concat([tf.shape(noise), [components]], axis=0)
        flat = [
            tf.reshape(tf.broadcast_to(part, shape), [-1, components]) for part in own
        ]
        uniforms = tf.reshape(noise, [-1])
        drawn = self._likelihood.sample(
            tf.concat(flat, axis=-1), uniforms, tf.ones_like(uniforms)
        )
        return tf.reshape(drawn, tf.shape(noise))

    def _parameter_control_dependencies(self, is_init: bool) -> list:
        is_fixed = not isinstance(self.scale, tf.Variable | tfp.util.DeferredTensor)
        if not self.validate_args or self.scale is None or is_init != is_fixed:
            return []
        positive = tf.reduce_all(tf.convert_to_tensor(self.scale) > 0)
        return [tf.debugging.Assert(positive, ["scale must be above 0."])]

    def _sample_control_dependencies(self, value: tf.Tensor, **kwargs: Any) -> list:
        if not self.validate_args:
            return []
        possible = tf.reduce_all(self._likelihood.as_levels(value) >= 0)
        sentence = f"Values must be integers in [0, {self.num_levels})."
        return [tf.debugging.Assert(possible, [sentence])]


def _as_tensor(value: Any, name: str) -> Any:
    """Converts to a tensor; variables stay variables, so that they are followed."""
    if value is None or isinstance(value, tf.Variable | tfp.util.DeferredTensor):
        return value
    dtype = tf.float32
    if tf.is_tensor(value) and value.dtype == tf.float64 and name in _PRECISE:
        dtype = tf.float64
    return tf.convert_to_tensor(value, dtype, name=name)


def _least_rank(*tensors: tf.Tensor) -> float:
    """Returns the smallest rank of tensors; infinity where it is not known."""
    ranks = [tensor.shape.rank for tensor in tensors]
    return min(float("inf") if rank is None else rank for rank in ranks)


def _swapped(tensor: tf.Tensor) -> tf.Tensor:
    """Transposes the last two axes."""
    return tf.linalg.matrix_transpose(tensor)
