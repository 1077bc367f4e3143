"""FaceEmbedder: images of an identity to nearby points of the unit sphere."""

import math
import numbers
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn.argument_checks import is_integer, is_share
from keras_pixelcnn.image_checks import check_images
from keras_pixelcnn.layers.dropout import StatelessDropout
from keras_pixelcnn.models.base import distributed_fit
from keras_pixelcnn.models.base.own_loss import OwnLossModel
from keras_pixelcnn.models.base.request_validation import (
    check_image_shape,
    check_positive,
)
from keras_pixelcnn.models.face_embedder import identity_data
from keras_pixelcnn.models.face_embedder.triplet_loss import semi_hard_triplet_loss

_LEAST_SIDE = 4
"""Images are halved until no side is longer."""

_MOST_FEATURES = 4
"""The features double with each halving, up to so many times the first ones."""

_MOST_LEVELS = 65_536

_SHORT = 1e-12
"""The squared length of points that have no direction that means anything."""


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class FaceEmbedder(OwnLossModel):
    """Images to the unit sphere, near each other where they show one identity.

    Two convolutions, then half the size, until no side is longer than 4; a dense layer
    and a division by the length follow. It is trained by the triplet loss with
    semi-hard negatives, on batches that hold several images of each identity
    (`keras_pixelcnn.training.IdentityBatches` makes them), and knows identities that it
    was never trained on: faces, the fonts of letters, or whatever has a label.

    Args:
        image_shape: (height, width, channels): any size, any number of channels.
        num_levels: pixel values are integers in [0, num_levels); 2 to 65,536.
            Default 256.
        embedding_dim: length of the embeddings. Default 128, as in the paper.
        filters: features of the first convolutions; they double at each halving of the
            size, up to four times as many. Default 32.
        margin: of the loss, in squared distance. Default 0.2, as in the paper.
        dropout_rate: share of the last features dropped in training, in [0, 1).
            Default 0.
        dtype: dtype policy, such as "mixed_bfloat16"; embeddings and loss stay float32.
            Default: Keras's global policy.
        name: the model's name.
        trainable: whether the weights are trained. Default True.

    Call arguments:
        inputs: images (batch, height, width, channels) of integers in [0, num_levels),
            or a dict with them as "image".
        training: whether dropout is on.

    Returns:
        float32 (batch, embedding_dim), of length 1. Images that the network maps to
        the origin, as it maps all of a single pixel before training, share a point.

    Raises:
        ValueError: on arguments out of their ranges.

    Example:
        >>> embedder = FaceEmbedder((28, 28, 1), embedding_dim=64)
        >>> embedder.compile("adam")
        >>> batches = IdentityBatches(  # of keras_pixelcnn.training
        ...     {"image": images, "label": labels}, identities=20, images_each=8, seed=0
        ... )
        >>> steps = batches.steps_per_epoch
        >>> embedder.fit(batches.forever(), steps_per_epoch=steps, epochs=10)
        >>> embedder.embed(images[:16])

    References:
        Schroff et al. 2015, arXiv 1503.03832. Embeddings as conditions of a PixelCNN:
        van den Oord et al. 2016, arXiv 1606.05328, section 3.3.
    """

    own_loss = "the triplet loss"

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_levels: int = 256,
        embedding_dim: int = 128,
        filters: int = 32,
        margin: float = 0.2,
        dropout_rate: float = 0.0,
        dtype: Any = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        image_shape = check_image_shape(image_shape)
        for argument, size in (("embedding_dim", embedding_dim), ("filters", filters)):
            check_positive(argument, size)
        _check_levels(num_levels)
        _check_numbers(margin, dropout_rate)
        num_levels, embedding_dim = int(num_levels), int(embedding_dim)
        filters, margin = int(filters), float(margin)
        dropout_rate = float(dropout_rate)

        image = keras.Input(image_shape, dtype="int32", name="image")
        features = keras.layers.Rescaling(
            2.0 / (num_levels - 1), offset=-1.0, dtype="float32", name="encoding"
        )(image)
        for stage in range(_count_stages(image_shape)):
            width = filters * min(2**stage, _MOST_FEATURES)
            features = _stage(features, width, stage, dtype)
        features = keras.layers.Flatten(dtype=dtype, name="flatten")(features)
        features = StatelessDropout(dropout_rate, dtype=dtype, name="dropout")(features)
        # Distances of nearby points need all digits, under mixed precision too.
        point = keras.layers.Dense(embedding_dim, dtype="float32", name="point")
        on_sphere = keras.layers.UnitNormalization(dtype="float32", name="embedding")
        super().__init__(
            inputs={"image": image},
            outputs=on_sphere(_off_origin(point(features))),
            name=name,
            trainable=trainable,
        )

        # === Config ===
        # Keras drops the policy of models that are wired from inputs to outputs.
        self.dtype_policy = keras.dtype_policies.get(dtype)
        self.image_shape = image_shape
        self.num_levels = num_levels
        self.embedding_dim = embedding_dim
        self.filters = filters
        self.margin = margin
        self.dropout_rate = dropout_rate

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Embeds a batch; see the class."""
        return super().__call__(
            {"image": identity_data.image_of(inputs)}, *args, **kwargs
        )

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Trains as `keras.Model.fit` does.

        Args:
            x: {"image", "label"}, the labels identities, as arrays, or batches of that
                or of (image, label) pairs from a `tf.data.Dataset`, a generator or a
                `keras.utils.PyDataset`. Triplets are found in each batch by itself, so
                that batches of a few images of each identity teach most:
                `keras_pixelcnn.training.IdentityBatches`.
            y: the labels, where x is an array of images: integers of at least 0,
                (n,) or (n, 1).
            batch_size: images in a batch, for arrays. Default 32.
            epochs: number of passes over the data. Default 1.
            **kwargs: as for `keras.Model.fit`, except weights of examples or classes.
                `validation_data` is what x is, or an (x, y) pair; of a generator
                without `validation_steps` all batches are kept in memory.

        Returns:
            A history of "loss", the triplet loss.

        Raises:
            ValueError: before training, when arrays hold no images, or anything but
                integers in [0, num_levels) with an identity each, or a data set has
                no integers as labels. Of generators and `PyDataset` at the batch.
        """
        distributed_fit.check_fit(self)
        if isinstance(x, tf.data.Dataset | Iterator):
            # Keras would warn that its own default does not apply.
            kwargs.setdefault("shuffle", False)
        if kwargs.get("validation_data") is not None:
            kwargs["validation_data"] = self._checked_validation(
                kwargs["validation_data"], kwargs.get("validation_steps")
            )
        return super().fit(*self._checked(x, y), batch_size, epochs, **kwargs)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """The triplet loss, the mean over batches, as `keras.Model.evaluate` gives it.

        Takes what `fit` takes, and raises as it does. All batches of a generator are
        kept in memory, unless `steps` says how many to take.
        """
        distributed_fit.check_fit(self)
        if not kwargs.get("_use_cached_eval_dataset"):  # `fit` has checked it
            x, y = self._checked_finite(x, y, kwargs.get("steps"))
        return super().evaluate(x, y, batch_size, **kwargs)

    def _checked(self, x: Any, y: Any = None) -> tuple[Any, Any]:
        return identity_data.checked(x, y, self.num_levels, self.image_shape)

    def _checked_finite(self, x: Any, y: Any, steps: int | None) -> tuple[Any, Any]:
        x, y = self._checked(x, y)
        if isinstance(x, Iterator) and steps is None:
            x = identity_data.HeldBatches(x)
        return x, y

    def _checked_validation(self, data: Any, steps: int | None) -> tuple[Any, Any]:
        data = tuple(data) if isinstance(data, list) else data
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        identity_data.refuse_weights(sample_weight)
        return self._checked_finite(x, y, steps)

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of `fit`, on {"image", "label"} (a hook of Keras)."""
        return super().train_step(identity_data.image_and_label(data))

    def test_step(self, data: Any) -> dict[str, Any]:
        """One step of `evaluate`, on {"image", "label"} (a hook of Keras)."""
        return super().test_step(identity_data.image_and_label(data))

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tf.Tensor:
        """The triplet loss of a batch (a hook of Keras's training)."""
        label = identity_data.check_label_tensor(y)
        loss = semi_hard_triplet_loss(label, y_pred, self.margin)
        # Replicas mine their own part of a batch each, and add their gradients up.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        return tf.add_n([loss, *self.losses]) / replicas

    def triplet_loss(
        self, features: Mapping[str, tf.Tensor], training: bool = False
    ) -> tf.Tensor:
        """The loss of a batch, for loops other than `fit`.

        Args:
            features: "image", and the identities as "label", integers (batch,).
            training: whether dropout is on. Default False.

        Returns:
            float32 scalar, with gradients.
        """
        embeddings = self(features, training=training)
        return semi_hard_triplet_loss(features["label"], embeddings, self.margin)

    def embed(self, image: Any, batch_size: int = 256) -> np.ndarray:
        """Embeds images.

        Args:
            image: integers in [0, num_levels), (batch, height, width, channels).
            batch_size: images embedded at once. Default 256.

        Returns:
            float32 array (batch, embedding_dim), rows of length 1.

        Raises:
            ValueError: when the images are not as said.
        """
        check_positive("batch_size", batch_size)
        images = check_images(image, self.num_levels, image_shape=self.image_shape)
        if not len(images):
            return np.zeros((0, self.embedding_dim), np.float32)
        return self.predict(images, batch_size=batch_size, verbose=0)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "image_shape": self.image_shape,
            "num_levels": self.num_levels,
            "embedding_dim": self.embedding_dim,
            "filters": self.filters,
            "margin": self.margin,
            "dropout_rate": self.dropout_rate,
        }


def _count_stages(image_shape: tuple[int, int, int]) -> int:
    longest = max(image_shape[:2])
    return max(math.ceil(math.log2(longest / _LEAST_SIDE)), 1)


def _stage(features: Any, width: int, stage: int, dtype: Any) -> Any:
    """Two convolutions, normalised by image and not by batch, and half the size."""
    for layer in range(2):
        name = f"stage_{stage}_{layer}"
        features = keras.layers.Conv2D(
            width, 3, padding="same", use_bias=False, dtype=dtype, name=f"{name}_conv"
        )(features)
        features = keras.layers.GroupNormalization(
            math.gcd(width, 8), dtype=dtype, name=f"{name}_norm"
        )(features)
        features = keras.layers.ReLU(dtype=dtype, name=f"{name}_relu")(features)
    return keras.layers.MaxPooling2D(
        2, padding="same", dtype=dtype, name=f"stage_{stage}_pool"
    )(features)


def _off_origin(points: Any) -> Any:
    """Moves points that have no direction to where they have one."""
    squared_length = keras.ops.sum(keras.ops.square(points), axis=-1, keepdims=True)
    return points + keras.ops.cast(squared_length < _SHORT, "float32")


def _check_levels(num_levels: Any) -> None:
    if not is_integer(num_levels, 2) or num_levels > _MOST_LEVELS:
        raise ValueError(
            f"num_levels must be an integer from 2 to {_MOST_LEVELS:,}. "
            f"Received: num_levels={num_levels!r}"
        )


def _check_numbers(margin: Any, dropout_rate: Any) -> None:
    is_number = isinstance(margin, numbers.Real) and not isinstance(margin, bool)
    if not is_number or not 0 < margin < 4:
        raise ValueError(
            "margin must be a number above 0 and below 4, which is how far two points "
            f"of the unit sphere can be apart, squared. Received: margin={margin!r}"
        )
    if not is_share(dropout_rate):
        raise ValueError(
            "dropout_rate must be a number in [0, 1). "
            f"Received: dropout_rate={dropout_rate!r}"
        )
