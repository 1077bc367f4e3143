"""PixelCNNDistribution: a model as a TensorFlow Probability distribution."""

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow_probability import distributions as tfd

from keras_pixelcnn.distributions.level_distribution import (
    LevelDistribution,
    as_call_seed,
    of_event_shape,
)

if TYPE_CHECKING:
    from keras_pixelcnn.models import AutoregressiveImageModel


class PixelCNNDistribution(LevelDistribution):
    """A distribution over images, or over a batch of independent ones.

    Args:
        model: the model, whose weights are followed and not copied.
        label: integers, the condition of that name. Default: none.
        embedding: floats (..., d), the condition of that name. Default: none.
        spatial: floats (..., h', w', c'), the condition of that name. Default: none.
        caption: sentences (...) or the numbers of their words (..., length), the
            condition of that name. Default: none.
        batch_shape: shape of a batch of independent distributions, broadcast with what
            leads the shapes of the conditions. Default ().
        validate_args: as in TensorFlow Probability. Default False: values out of the
            model's range have log probability -inf.
        allow_nan_stats: as in TensorFlow Probability.
        name: default "PixelCNNDistribution".

    `sample(sample_shape, seed)` draws int32 images (*sample_shape, *batch_shape,
    height, width, channels). An integer seed gives the images of `model.sample`;
    a stateless TensorFlow Probability seed of two integers works too. Joint
    distributions that vectorise by themselves (`...AutoBatched`) need the latter: an
    integer gives all their members one image. `log_prob` is in nats, `prob` its
    exponential, which soon underflows for images.

    Distributions of TensorFlow Probability that are made of this one (`Sample`,
    `Independent`, `JointDistribution...`) turn values into int32 before they ask it, as
    they do for its own `Categorical`: fractions are cut off there, and not refused.

    Raises:
        ValueError: when conditions are missing, unknown or not as the model takes them.

    Example:
        >>> distribution = model.distribution(label=[3, 5])
        >>> images = distribution.sample(4, seed=1)  # (4, 2, height, width, channels)
        >>> distribution.log_prob(images)  # (4, 2)
    """

    def __init__(
        self,
        model: "AutoregressiveImageModel",
        label: Any = None,
        embedding: Any = None,
        spatial: Any = None,
        caption: Any = None,
        batch_shape: Any = (),
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "PixelCNNDistribution",
    ) -> None:
        parameters = dict(locals())
        self.model = model
        given = {
            "label": label,
            "embedding": embedding,
            "spatial": spatial,
            "caption": caption,
        }
        model.conditions.check_names(given)
        model.conditions.check_complete(given)
        self._conditions = {
            name: model.conditions.check_known(name, value)
            for name, value in given.items()
            if value is not None
        }
        parameters.update(self._conditions)
        self._given_batch_shape = tf.TensorShape(batch_shape)
        self._own_batch_shape = self._given_batch_shape
        for condition in self._conditions:
            self._own_batch_shape = tf.broadcast_static_shape(
                self._own_batch_shape, self._leading(condition)
            )
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
        no_bijector = tfp.util.ParameterProperties().default_constraining_bijector_fn
        own_axes = {"label": 0, "embedding": 1, "spatial": 3, "caption": 1}
        return {
            name: tfp.util.ParameterProperties(
                event_ndims=axes, default_constraining_bijector_fn=no_bijector
            )
            for name, axes in own_axes.items()
        }

    @property
    def conditions(self) -> dict[str, tf.Tensor]:
        """The conditions by name, of the shapes that they were given in."""
        return dict(self._conditions)

    def _num_own_axes(self, name: str) -> int:
        return len(self.model.conditions.shapes[name])

    def _leading(self, name: str) -> tf.TensorShape:
        shape = self._conditions[name].shape
        return shape[: shape.rank - self._num_own_axes(name)]

    def _batch_shape(self) -> tf.TensorShape:
        return self._own_batch_shape

    def _batch_shape_tensor(self) -> tf.Tensor:
        if self._own_batch_shape.is_fully_defined():
            return tf.constant(self._own_batch_shape.as_list(), tf.int32)
        shape = tf.constant(self._given_batch_shape.as_list(), tf.int32)
        for name, value in self._conditions.items():
            leading = tf.shape(value)[: value.shape.rank - self._num_own_axes(name)]
            shape = tf.broadcast_dynamic_shape(shape, leading)
        return shape

    def _event_shape(self) -> tf.TensorShape:
        return tf.TensorShape(self.model.image_shape)

    def _event_shape_tensor(self) -> tf.Tensor:
        return tf.constant(self.model.image_shape, tf.int32)

    def __getitem__(self, slices: Any) -> "PixelCNNDistribution":
        """Slices the batch, and with it the conditions."""
        batch_shape = ()
        if self._own_batch_shape.is_fully_defined():
            batch_shape = np.empty(self._own_batch_shape.as_list(), bool)[slices].shape
        slices = slices if isinstance(slices, tuple) else (slices,)
        if not any(part is Ellipsis for part in slices):
            slices = (*slices, Ellipsis)
        sliced = {
            name: value[(*slices, *[slice(None)] * self._num_own_axes(name))]
            for name, value in self._expanded_conditions(()).items()
        }
        return self.copy(**sliced, batch_shape=batch_shape)

    def _expanded_conditions(self, leading: Any) -> dict[str, tf.Tensor]:
        """Expands the conditions to each image of (*leading, *batch_shape)."""
        batch = tf.concat([leading, self._batch_shape_tensor()], axis=0)
        shapes = self.model.conditions.shapes
        return {
            name: tf.broadcast_to(value, tf.concat([batch, shapes[name]], axis=0))
            for name, value in self._conditions.items()
        }

    def _flat_conditions(self, leading: Any) -> dict[str, tf.Tensor]:
        return {
            name: tf.reshape(value, [-1, *self.model.conditions.shapes[name]])
            for name, value in self._expanded_conditions(leading).items()
        }

    def _log_prob(self, value: tf.Tensor) -> tf.Tensor:
        event_shape = self.model.image_shape
        known = value.shape[-3:]
        if known.rank is not None and not known.is_compatible_with(event_shape):
            raise ValueError(
                f"Images must have the shape (..., {', '.join(map(str, event_shape))})."
                f" Received: {tuple(value.shape)}"
            )
        if known.rank is None or not known.is_fully_defined():
            # Else a graph would spread what it gets over the images' shape.
            value = of_event_shape(value, event_shape)
        shape = tf.broadcast_dynamic_shape(
            tf.shape(value)[:-3], self._batch_shape_tensor()
        )
        value = tf.broadcast_to(value, tf.concat([shape, event_shape], axis=0))
        images = tf.reshape(value, [-1, *event_shape])
        repeats = shape[: tf.size(shape) - tf.size(self._batch_shape_tensor())]
        nats = self.model.log_prob(
            images, validate_args=False, **self._flat_conditions(repeats)
        )
        return tf.reshape(nats, shape)

    def _sample_n(self, n: tf.Tensor, seed: Any = None) -> tf.Tensor:
        batch_shape = self._batch_shape_tensor()
        num_images = n * tf.reduce_prod(batch_shape)
        images = self.model.sample(
            num_images, seed=as_call_seed(seed), **self._flat_conditions([n])
        )
        shape = tf.concat([[n], batch_shape, self.model.image_shape], axis=0)
        return tf.reshape(tf.cast(images, tf.int32), shape)

    def _sample_control_dependencies(self, value: tf.Tensor, **kwargs: Any) -> list:
        if not self.validate_args:
            return []
        possible = tf.reduce_all(tf.math.is_finite(self._log_prob(value)))
        sentence = "Pixel values must be integers that the model knows."
        return [tf.debugging.Assert(possible, [sentence])]
