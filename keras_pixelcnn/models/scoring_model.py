"""ScoringModel: the log probability of images, and what follows from it."""

import functools
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from keras_pixelcnn.models import arguments
from keras_pixelcnn.models.features import at_least_one, feature_specs
from keras_pixelcnn.models.likelihood_model import LikelihoodModel


class ScoringModel(LikelihoodModel):
    """A trained likelihood that is read: p(x | h) of images, p(y | x) of labels.

    Conditions are given by their names; see `AutoregressiveImageModel`.
    """

    def _score(self, features: Mapping[str, tf.Tensor]) -> tf.Tensor:
        image = features["image"]
        features = {name: at_least_one(value) for name, value in features.items()}
        parameters = self(features, training=False)
        nats = self._image_log_prob(parameters, features["image"])
        return nats[: image.shape[0] or tf.shape(image)[0]]

    @functools.cached_property
    def _compiled(self) -> dict[Any, Any]:
        """Graphs by what they are given, so that no call traces one anew."""
        return {}

    def _compiled_score(self, features: Mapping[str, tf.Tensor]) -> tf.Tensor:
        key = tuple(features)
        if key not in self._compiled:
            self._compiled[key] = tf.function(
                self._score,
                input_signature=[feature_specs(self, list(features))],
                autograph=False,
            )
        return self._compiled[key](dict(features))

    def log_prob(
        self,
        image: Any,
        batch_size: int = 128,
        validate_args: bool = True,
        **conditions: Any,
    ) -> tf.Tensor:
        """The exact log probability of each image, given its conditions.

        Inside a `tf.function` the images are scored in one pass and not checked.

        Args:
            image: integers in [0, num_levels), (batch, height, width, channels).
            batch_size: images scored in one pass; bounds the memory. Default 128.
            validate_args: whether values that are no level are refused; else such an
                image gets -inf, as in a `tf.function`. Default True.
            **conditions: see `AutoregressiveImageModel`.

        Returns:
            float32 tensor (batch,), in nats. `keras_pixelcnn.bits_per_dim` converts.

        Raises:
            ValueError: when the images or conditions are not as said.
        """
        if tf.executing_eagerly() and validate_args:
            image = self._check_images(image)
        if not tf.executing_eagerly():
            size = tf.shape(image)[0]
            inputs = self.conditions.prepare(conditions, image.shape[0] or size)
            return self._score({"image": image, **inputs})
        images = self._likelihood.as_levels(tf.convert_to_tensor(image))
        if batch_size < 1:
            raise ValueError(
                f"batch_size must be at least 1. Received: batch_size={batch_size}"
            )
        inputs = self.conditions.prepare(conditions, len(images))
        features = {"image": images, **inputs}
        scores = [
            self._compiled_score(
                {name: value[i : i + batch_size] for name, value in features.items()}
            )
            for i in range(0, max(len(images), 1), batch_size)
        ]
        return tf.concat(scores, axis=0)

    def classify(
        self, image: Any, prior: Any = None, batch_size: int = 128, **conditions: Any
    ) -> tf.Tensor:
        """The probability of each label, by Bayes: p(y | x) ~ p(x | y) p(y).

        Args:
            image: integers in [0, num_levels), (batch, height, width, channels).
            prior: p(y), (num_classes,), not negative; scaled to sum to 1. Default: all
                labels alike.
            batch_size: pairs of an image and a label scored in one pass. Default 128.
            **conditions: the model's others than the label.

        Returns:
            float32 tensor (batch, num_classes), rows that sum to 1.

        Raises:
            ValueError: when the model takes no label, or an argument is not as said.
        """
        classes = arguments.check_has_condition(self, "label")
        log_prior = arguments.prepare_log_prior(prior, classes)
        if conditions.get("label") is not None:
            raise ValueError("classify finds the label: it cannot be given.")
        if tf.executing_eagerly():
            image = self._check_images(image)
        size = image.shape[0] or tf.shape(image)[0]
        given = {
            name: arguments.repeat_each(value, self.conditions.shapes[name], classes)
            for name, value in conditions.items()
            if value is not None and name in self.conditions.shapes
        }
        nats = self.log_prob(
            tf.repeat(image, classes, axis=0),
            batch_size=batch_size,
            label=tf.tile(tf.range(classes), [size]),
            **{**conditions, **given},
        )
        nats = tf.reshape(nats, [size, classes])
        return tf.nn.softmax(nats + log_prior, axis=-1)
