"""LikelihoodModel: trained on its own log-likelihood, which it computes exactly."""

import functools
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from keras_pixelcnn.checks import as_numbers, check_integer, check_shape, verb
from keras_pixelcnn.likelihoods import PixelLikelihood
from keras_pixelcnn.metrics import bits_per_dim
from keras_pixelcnn.models.base import input_data, request_validation
from keras_pixelcnn.models.base.conditions import Conditions
from keras_pixelcnn.models.base.image_model import ImageLosses, ImageModel
from keras_pixelcnn.samplers import at_least_one


class LikelihoodModel(ImageModel):
    """A model whose outputs are the parameters of the images' likelihood.

    It trains on bits per dimension, and once trained gives p(x | h) of images and
    p(y | x) of labels. Conditions are given by their names; see
    `AutoregressiveImageModel`.

    Args:
        inputs: dict of Keras inputs by name, of which "image" is one.
        outputs: the parameters, (batch, height, width, *pixel_shape), of the
            likelihood's `pixel_shape`.
        image_shape: (height, width, channels).
        likelihood: what the parameters mean.
        conditions: which conditions the model takes. Default: none.
        metric_name: what `fit` and `evaluate` call the mean of what is measured, in
            bits per dimension. Default "bits_per_dim".
        **kwargs: as for `ImageModel`.

    Call arguments:
        inputs: as for `ImageModel`.
        training: whether dropout is on.

    Returns:
        The likelihood's parameters, float32 (batch, height, width, *pixel_shape): for
        the categorical one logits (batch, height, width, channels, num_levels).

    Attributes:
        likelihood: its name, or a dict with its arguments.
        pixel_likelihood: what the parameters of a pixel mean.
    """

    own_loss = "its own likelihood and shows it as bits_per_dim"

    def __init__(
        self,
        *,
        inputs: dict[str, Any],
        outputs: Any,
        image_shape: tuple[int, int, int],
        likelihood: PixelLikelihood,
        conditions: Conditions | None = None,
        metric_name: str = "bits_per_dim",
        **kwargs: Any,
    ) -> None:
        if likelihood.channels != image_shape[-1]:
            raise ValueError(
                "likelihood must be one of as many channels as the images have. "
                f"Received: likelihood.channels={likelihood.channels} for "
                f"image_shape={image_shape}"
            )
        super().__init__(
            inputs=inputs,
            outputs=outputs,
            image_shape=image_shape,
            num_levels=likelihood.num_levels,
            metric_name=metric_name,
            conditions=conditions,
            **kwargs,
        )
        self.likelihood = likelihood.identifier
        self.pixel_likelihood = likelihood

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments that all such models share."""
        return {**super().get_config(), "likelihood": self.likelihood}

    def losses_per_image(
        self, outputs: Any, features: Mapping[str, tf.Tensor]
    ) -> ImageLosses:
        """Computes the bits per dimension of each image; see `ImageModel`."""
        nats = self.pixel_likelihood.image_log_prob(outputs, features["image"])
        bits = bits_per_dim(nats, self.num_dims)
        return ImageLosses(bits, bits)

    @verb()
    def log_prob(
        self,
        image: Any,
        batch_size: int = 128,
        validate_args: bool = True,
        reduce: bool = True,
        **conditions: Any,
    ) -> tf.Tensor:
        """Computes the exact log probability of each image, given its conditions.

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
        if validate_args or not tf.executing_eagerly():
            image = self.check_image_batch(image)
        if not tf.executing_eagerly():
            size = tf.shape(image)[0]
            inputs = self.conditions.prepare(conditions, image.shape[0] or size)
            return self._score({"image": image, **inputs}, reduce)
        images = self._as_images(as_numbers(image, "image"))
        check_shape(tuple(images.shape), image_shape=self.image_shape)
        images = self.pixel_likelihood.as_levels(images)
        inputs = self.conditions.prepare(conditions, len(images))
        return self._score_in_passes({"image": images, **inputs}, batch_size, reduce)

    def _score(
        self, features: Mapping[str, tf.Tensor], reduce: bool = True
    ) -> tf.Tensor:
        image = features["image"]
        features = {name: at_least_one(value) for name, value in features.items()}
        parameters = self(features, training=False)
        likelihood = self.pixel_likelihood
        log_prob = likelihood.image_log_prob if reduce else likelihood.value_log_prob
        nats = log_prob(parameters, features["image"])
        return nats[: image.shape[0] or tf.shape(image)[0]]

    def _score_in_passes(
        self, features: Mapping[str, tf.Tensor], batch_size: int, reduce: bool = True
    ) -> tf.Tensor:
        score = functools.partial(self._score, reduce=reduce)
        return input_data.in_passes(
            self, ("score", reduce), score, features, batch_size
        )

    def flops(self) -> int:
        """Counts the floating point operations of one whole pass over one image.

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
        """Counts the multiply-adds of one image; see `flops`.

        Raises:
            NotImplementedError: when a layer with weights does not count its own.
        """
        total = 0
        for layer in self.layers:
            if hasattr(layer, "multiply_adds"):
                shapes = tf.nest.map_structure(lambda x: tuple(x.shape), layer.input)
                shapes = shapes if isinstance(layer.input, list) else [shapes]
                total += layer.multiply_adds(*shapes)
            elif layer.weights:
                raise NotImplementedError(
                    f"{type(self).__name__} does not count its multiply-adds: its "
                    f"layer {layer.name} has no multiply_adds. Override multiply_adds "
                    "to have flops."
                )
        return total

    @verb()
    def classify(
        self, image: Any, prior: Any = None, batch_size: int = 128, **conditions: Any
    ) -> tf.Tensor:
        """Computes the probability of each label, by Bayes: p(y | x) ~ p(x | y) p(y).

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
        check_integer("batch_size", batch_size)
        classes = request_validation.check_has_condition(self.conditions, "label")
        log_prior = request_validation.prepare_log_prior(prior, classes)
        if conditions.get("label") is not None:
            raise ValueError("classify finds the label: it cannot be given.")
        image = tf.cast(self.check_image_batch(image), tf.int32)
        inputs = self.conditions.prepare(
            {**conditions, "label": 0}, image.shape[0] or tf.shape(image)[0]
        )
        nats = self._score_by_class({"image": image, **inputs}, batch_size)
        return tf.nn.softmax(nats + log_prior, axis=-1)

    def _score_by_class(
        self, features: Mapping[str, tf.Tensor], batch_size: int
    ) -> tf.Tensor:
        """Scores each image given each label: (batch, num_classes)."""
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
