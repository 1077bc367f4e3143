"""ScoringModel: the log probability of images, and what follows from it."""

import functools
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from keras_pixelcnn.models.base import request_validation
from keras_pixelcnn.models.base.features import at_least_one, feature_specs
from keras_pixelcnn.models.base.likelihood_model import LikelihoodModel


class ScoringModel(LikelihoodModel):
    """A trained likelihood that is read: p(x | h) of images, p(y | x) of labels.

    Conditions are given by their names; see `AutoregressiveImageModel`.
    """

    # The verbs of models are marked for AutoGraph, which would convert all that they
    # call, for seconds and to no end, in a user's `tf.function`.

    def _score(
        self, features: Mapping[str, tf.Tensor], reduce: bool = True
    ) -> tf.Tensor:
        image = features["image"]
        features = {name: at_least_one(value) for name, value in features.items()}
        parameters = self(features, training=False)
        likelihood = self._likelihood
        log_prob = likelihood.image_log_prob if reduce else likelihood.value_log_prob
        nats = log_prob(parameters, features["image"])
        return nats[: image.shape[0] or tf.shape(image)[0]]

    def _compiled_score(
        self, features: Mapping[str, tf.Tensor], reduce: bool
    ) -> tf.Tensor:
        specs = feature_specs(self, list(features))
        score = functools.partial(self._score, reduce=reduce)
        graph = self.compiled_graph((*features, reduce), score, specs)
        return graph(dict(features))

    @tf.autograph.experimental.do_not_convert
    def log_prob(
        self,
        image: Any,
        batch_size: int = 128,
        validate_args: bool = True,
        reduce: bool = True,
        **conditions: Any,
    ) -> tf.Tensor:
        """The exact log probability of each image, given its conditions.

        Inside a `tf.function` the images are scored in one pass and not checked.

        Args:
            image: integers in [0, num_levels), (batch, height, width, channels).
            batch_size: images scored in one pass; bounds the memory. Default 128.
            validate_args: whether values that are no level are refused; else such an
                image gets -inf, as in a `tf.function`. Default True.
            reduce: whether the values of an image are summed; else each value has the
                log probability that it has given those before it, at the same cost.
                Default True.
            **conditions: see `AutoregressiveImageModel`.

        Returns:
            float32 tensor (batch,), or (batch, height, width, channels) where `reduce`
            is False, in nats. `keras_pixelcnn.bits_per_dim` converts the former.

        Raises:
            ValueError: when the images or conditions are not as said.
        """
        if tf.executing_eagerly() and validate_args:
            image = self._check_images(image)
        if not tf.executing_eagerly():
            size = tf.shape(image)[0]
            inputs = self.conditions.prepare(conditions, image.shape[0] or size)
            return self._score({"image": image, **inputs}, reduce)
        images = self._likelihood.as_levels(tf.convert_to_tensor(image))
        inputs = self.conditions.prepare(conditions, len(images))
        return self._score_in_passes({"image": images, **inputs}, batch_size, reduce)

    def _score_in_passes(
        self, features: Mapping[str, tf.Tensor], batch_size: int, reduce: bool = True
    ) -> tf.Tensor:
        request_validation.check_positive("batch_size", batch_size)
        scores = [
            self._compiled_score(
                {name: value[i : i + batch_size] for name, value in features.items()},
                reduce,
            )
            for i in range(0, max(len(features["image"]), 1), batch_size)
        ]
        return tf.concat(scores, axis=0)

    def flops(self) -> int:
        """Floating point operations of one whole pass over one image.

        Two for each multiply-add of the convolutions and matrix products that the
        masks leave open: what is multiplied by the zeros of a mask does not count,
        nor does element-wise work (gates, sums, the softmax). Every open tap counts
        at every pixel, also where it lies over the edge of the image. Projections of a
        label or an embedding count once an image, those of a map at every pixel.

        Scoring an image takes one such pass, and so do all steps of drawing one
        together. A step of training takes three for each image: the pass, the
        gradients of its features, and those of its weights; with gradient checkpointing
        about four.

        Raises:
            NotImplementedError: when the model does not count its multiply-adds.
        """
        return 2 * self.multiply_adds()

    def multiply_adds(self) -> int:
        """Multiply-adds of one image; see `flops`. A subclass overrides it.

        Raises:
            NotImplementedError: when it does not.
        """
        raise NotImplementedError(
            f"{type(self).__name__} does not count its multiply-adds. Override "
            "multiply_adds to have flops."
        )

    @tf.autograph.experimental.do_not_convert
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
        request_validation.check_positive("batch_size", batch_size)
        classes = request_validation.check_has_condition(self, "label")
        log_prior = request_validation.prepare_log_prior(prior, classes)
        if conditions.get("label") is not None:
            raise ValueError("classify finds the label: it cannot be given.")
        if tf.executing_eagerly():
            image = tf.cast(self._check_images(image), tf.int32)
        inputs = self.conditions.prepare(
            {**conditions, "label": 0}, image.shape[0] or tf.shape(image)[0]
        )
        nats = self._score_by_class({"image": image, **inputs}, batch_size)
        return tf.nn.softmax(nats + log_prior, axis=-1)

    def _score_by_class(
        self, features: Mapping[str, tf.Tensor], batch_size: int
    ) -> tf.Tensor:
        """The log probability of each image given each label: (batch, num_classes)."""
        classes = self.conditions.num_classes
        if not tf.executing_eagerly():

            def score(label: tf.Tensor) -> tf.Tensor:
                labels = tf.fill(tf.shape(features["label"]), label)
                return self._score({**features, "label": labels})

            nats = tf.map_fn(score, tf.range(classes), fn_output_signature=tf.float32)
            return tf.transpose(nats)
        size, rows = len(features["image"]), []
        images_at_once = max(batch_size // classes, 1)
        for i in range(0, max(size, 1), images_at_once):
            pairs = {
                name: tf.repeat(value[i : i + images_at_once], classes, axis=0)
                for name, value in features.items()
            }
            count = len(pairs["image"]) // classes
            pairs["label"] = tf.tile(tf.range(classes), [count])
            rows.append(self._score_in_passes(pairs, batch_size))
        return tf.reshape(tf.concat(rows, axis=0), [size, classes])
