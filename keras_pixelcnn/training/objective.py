"""Objectives of the training loop: what it trains on and validates by."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from keras_pixelcnn.models.base.image_model import ImageLosses


class Objective:
    """The loss that a training loop minimises, and how it is called in logs.

    Attributes:
        name: what the history and the lines of a run call it, with "train_" or
            "validation_" before it.
        unit: what stands behind the number where it is shown.
    """

    name: str
    unit: str

    def losses_of_batch(
        self, model: Any, features: Mapping[str, tf.Tensor], training: bool = False
    ) -> ImageLosses:
        """Runs a model on a batch, and computes the loss of each image.

        Args:
            model: an `ImageModel`, unless a subclass overrides this.
            features: a batch of what the loop was given. Of the validation it may be
                filled up with copies of its last row, whose losses are then left out.
            training: whether dropout is on. Default False.
        """
        return model.losses_per_image(model(features, training=training), features)


class LikelihoodObjective(Objective):
    """Bits per dimension of a `LikelihoodModel`."""

    name = "bits_per_dim"
    unit = "bits/dim"


class BoundObjective(Objective):
    """The bound on bits per dimension of a `PixelCNNAutoencoder` with beta above 0."""

    name = "elbo_bits_per_dim"
    unit = "bits/dim at most"


class SquaredErrorObjective(Objective):
    """The mean squared error of an `MSEAutoencoder`."""

    name = "mean_squared_error"
    unit = "squared error"


class TripletObjective(Objective):
    """The triplet loss of a `FaceEmbedder`.

    Each image of a batch is given the loss of the whole, so that the mean of a set is
    that of its batches, weighted by their size.
    """

    name = "triplet_loss"
    unit = "triplet loss"
