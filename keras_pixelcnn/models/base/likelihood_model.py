"""LikelihoodModel: a Keras model that trains on its own log-likelihood."""

import math
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from keras_pixelcnn.likelihoods import PixelLikelihood
from keras_pixelcnn.metrics import BitsPerDim, bits_per_dim
from keras_pixelcnn.models.base.conditions import Conditions
from keras_pixelcnn.models.base.image_model import ImageLosses, ImageModel


class LikelihoodModel(ImageModel):
    """Images in, the parameters of their likelihood out, trained on bits/dim.

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
            metric=BitsPerDim(math.prod(image_shape), name=metric_name),
            conditions=conditions,
            **kwargs,
        )
        self.likelihood = likelihood.identifier
        self._likelihood = likelihood

    @property
    def pixel_likelihood(self) -> PixelLikelihood:
        """What the parameters of a pixel mean."""
        return self._likelihood

    def image_losses(self, outputs: Any, image: tf.Tensor) -> ImageLosses:
        """Bits/dim of each image, and what is measured: its log probability in nats."""
        nats = self._image_log_prob(outputs, image)
        return ImageLosses(bits_per_dim(nats, self.num_dims), nats)

    def features_log_prob(
        self, features: Mapping[str, Any], training: bool = False
    ) -> tf.Tensor:
        """The log probability of a batch in one pass: for loops other than `fit`.

        Args:
            features: as `prepare_features` gives them; an empty batch too.
            training: whether dropout is on. Default False.

        Returns:
            float32 tensor (batch,), in nats, with gradients.
        """
        return self.features_losses(features, training).measured

    def _image_log_prob(self, parameters: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
        return self._likelihood.image_log_prob(parameters, image)
