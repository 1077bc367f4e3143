"""PixelCNNDistribution: a model as a TensorFlow Probability distribution."""

from typing import Any, Protocol

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions


class ImageModel(Protocol):
    """What the distribution asks of a model."""

    image_shape: tuple[int, int, int]

    def log_prob(self, image: tf.Tensor, *, validate_args: bool) -> tf.Tensor:
        """Log probabilities in nats (batch,) of images (batch, h, w, c)."""

    def sample(self, num_samples: tf.Tensor, seed: Any) -> tf.Tensor:
        """Images (num_samples, h, w, c)."""


class PixelCNNDistribution(tfd.AutoCompositeTensorDistribution):
    """A distribution over images, or over a batch of independent ones.

    Args:
        model: the model, whose weights are followed and not copied.
        batch_shape: shape of the batch of independent, equal distributions.
            Default (), a single one.
        validate_args: as in TensorFlow Probability. Default False: values out of the
            model's range have log probability -inf.
        allow_nan_stats: as in TensorFlow Probability.
        name: default "PixelCNNDistribution".

    `sample(sample_shape, seed)` draws int32 images (*sample_shape, *batch_shape,
    height, width, channels). An integer seed gives the images of `model.sample`;
    a stateless TensorFlow Probability seed of two integers works too. `log_prob` is
    in nats, `prob` its exponential, which soon underflows for images.

    Example:
        >>> distribution = model.distribution()
        >>> images = distribution.sample(4, seed=1)
        >>> distribution.log_prob(images)
    """

    def __init__(
        self,
        model: ImageModel,
        batch_shape: Any = (),
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "PixelCNNDistribution",
    ) -> None:
        parameters = dict(locals())
        self._model = model
        self._own_batch_shape = tf.TensorShape(batch_shape)
        super().__init__(
            dtype=tf.int32,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            parameters=parameters,
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype: Any, num_classes: Any = None) -> dict:
        return {}

    @property
    def model(self) -> ImageModel:
        """The model."""
        return self._model

    def _batch_shape(self) -> tf.TensorShape:
        return self._own_batch_shape

    def _batch_shape_tensor(self) -> tf.Tensor:
        return tf.constant(self._own_batch_shape.as_list(), tf.int32)

    def _event_shape(self) -> tf.TensorShape:
        return tf.TensorShape(self._model.image_shape)

    def _event_shape_tensor(self) -> tf.Tensor:
        return tf.constant(self._model.image_shape, tf.int32)

    def __getitem__(self, slices: Any) -> "PixelCNNDistribution":
        """Slices the batch; all its members are alike, so only its shape changes."""
        members = np.empty(self._own_batch_shape.as_list(), bool)[slices]
        return self.copy(batch_shape=members.shape)

    def _default_event_space_bijector(self) -> None:
        return None

    def _log_prob(self, value: tf.Tensor) -> tf.Tensor:
        event_shape = self._model.image_shape
        known = value.shape[-3:]
        if known.rank is not None and not known.is_compatible_with(event_shape):
            raise ValueError(
                f"Images must have the shape (..., {', '.join(map(str, event_shape))})."
                f" Received: {tuple(value.shape)}"
            )
        shape = tf.broadcast_dynamic_shape(
            tf.shape(value)[:-3], self._batch_shape_tensor()
        )
        value = tf.broadcast_to(value, tf.concat([shape, event_shape], axis=0))
        images = tf.reshape(value, [-1, *event_shape])
        nats = self._model.log_prob(images, validate_args=False)
        return tf.reshape(nats, shape)

    def _sample_n(self, n: tf.Tensor, seed: Any = None) -> tf.Tensor:
        batch_shape = self._batch_shape_tensor()
        num_images = n * tf.reduce_prod(batch_shape)
        images = self._model.sample(num_images, seed=_as_call_seed(seed))
        shape = tf.concat([[n], batch_shape, self._model.image_shape], axis=0)
        return tf.reshape(tf.cast(images, tf.int32), shape)

    def _sample_control_dependencies(self, value: tf.Tensor, **kwargs: Any) -> list:
        if not self.validate_args:
            return []
        possible = tf.reduce_all(tf.math.is_finite(self._log_prob(value)))
        sentence = "Pixel values must be integers that the model knows."
        return [tf.debugging.Assert(possible, [sentence])]


def _as_call_seed(seed: Any) -> Any:
    """The one integer of a call from any seed that TensorFlow Probability takes.

    Raises:
        ValueError: when the seed is neither None, an integer nor two integers.
    """
    if seed is None:
        return seed
    if isinstance(seed, int):  # of any size: seed streams give 512 bits
        return (seed + 2**63) % 2**64 - 2**63
    seed = tf.convert_to_tensor(seed)
    if seed.dtype.is_integer and seed.shape == (2,):  # two 32-bit halves
        return tf.bitcast(tf.cast(seed, tf.int32), tf.int64)
    if seed.dtype.is_integer and seed.shape == ():
        return seed
    raise ValueError(
        "seed must be None, an integer, or two integers (a stateless seed). "
        f"Received: {seed!r}"
    )
