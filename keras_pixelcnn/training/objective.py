"""What a training loop makes small."""

import abc
from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from keras_pixelcnn.metrics import bits_per_dim


class BatchLoss(NamedTuple):
    """What a batch costs.

    Attributes:
        loss: what is made small, float32 scalar with gradients.
        measured: what is told of it, float32 scalar.
    """

    loss: tf.Tensor
    measured: tf.Tensor


class Objective(abc.ABC):
    """A number for each batch to train on, and one for a whole set to validate by.

    Attributes:
        name: what the history and the lines of a run call it, with "train_" or
            "validation_" before it.
        unit: what stands behind the number where it is shown.
    """

    name: str
    unit: str

    @abc.abstractmethod
    def batch_loss(self, model: Any, features: Mapping[str, tf.Tensor]) -> BatchLoss:
        """What a batch costs in training.

        Args:
            model: what is trained.
            features: a batch of what the loop was given.
        """

    @abc.abstractmethod
    def image_scores(self, model: Any, features: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """A score of each image of a batch: floats (batch,).

        Args:
            model: what is validated.
            features: a batch of the validation; it may be filled up with copies of its
                last row, whose scores are then left out.
        """

    def mean(self, model: Any, total: float, count: int) -> float:
        """What a set's scores come to; less is better.

        Args:
            model: what is validated.
            total: sum of the scores of all images.
            count: number of images.
        """
        return total / count


class LikelihoodObjective(Objective):
    """Bits per dimension of a `LikelihoodModel`."""

    name = "bits_per_dim"
    unit = "bits/dim"

    def batch_loss(self, model: Any, features: Mapping[str, tf.Tensor]) -> BatchLoss:
        """See the base class."""
        losses = model.features_losses(features, training=True)
        nats = tf.reduce_mean(losses.measured)
        return BatchLoss(
            tf.reduce_mean(losses.loss), bits_per_dim(nats, model.num_dims)
        )

    def image_scores(self, model: Any, features: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """The log probability of each image, in nats."""
        return model.features_log_prob(features)

    def mean(self, model: Any, total: float, count: int) -> float:
        """The mean over all images, in bits per dimension."""
        return bits_per_dim(total / count, model.num_dims)


class BoundObjective(LikelihoodObjective):
    """The bound on bits per dimension of a `PixelCNNAutoencoder` with beta above 0."""

    name = "elbo_bits_per_dim"
    unit = "bits/dim at most"


class SquaredErrorObjective(Objective):
    """The mean squared error of an `MSEAutoencoder`."""

    name = "mean_squared_error"
    unit = "squared error"

    def batch_loss(self, model: Any, features: Mapping[str, tf.Tensor]) -> BatchLoss:
        """See the base class."""
        losses = model.features_losses(features, training=True)
        return BatchLoss(*(tf.reduce_mean(each) for each in losses))

    def image_scores(self, model: Any, features: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """The mean squared error of each image."""
        return model.features_losses(features).measured


class TripletObjective(Objective):
    """The triplet loss of a `FaceEmbedder`, on batches of several identities.

    Each image of a batch is given the loss of the whole, so that the mean of a set is
    that of its batches, weighted by their size.
    """

    name = "triplet_loss"
    unit = "triplet loss"

    def batch_loss(self, model: Any, features: Mapping[str, tf.Tensor]) -> BatchLoss:
        """See the base class."""
        loss = model.triplet_loss(features, training=True)
        return BatchLoss(loss, loss)

    def image_scores(self, model: Any, features: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """See the base class."""
        loss = model.triplet_loss(features)
        return tf.repeat(loss, tf.shape(features["label"])[0])
