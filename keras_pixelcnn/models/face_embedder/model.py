"""FaceEmbedder: maps images of one identity to nearby points of the unit sphere."""

import itertools
import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn.checks import (
    check_dropout_rate,
    check_image_shape,
    check_integer,
    check_num_levels,
    check_number,
    checked_outputs,
    verb,
)
from keras_pixelcnn.layers.dropout import StatelessDropout
from keras_pixelcnn.models.base import input_data
from keras_pixelcnn.models.base.image_model import ImageLosses, ImageModel
from keras_pixelcnn.models.face_embedder.identity_data import checked_labels
from keras_pixelcnn.models.face_embedder.triplet_loss import semi_hard_triplet_loss

_LEAST_SIDE = 4
"""Images are halved until no side is longer."""

_MOST_FEATURES = 4
"""The features double with each halving, up to so many times the first ones."""

_SHORT = 1e-12
"""The squared length of points that have no direction that means anything."""


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class FaceEmbedder(ImageModel):
    """Maps images to the unit sphere, near each other where they show one identity.

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
        check_integer("embedding_dim", embedding_dim)
        check_integer("filters", filters)
        check_dropout_rate(dropout_rate)
        num_levels = check_num_levels(num_levels)
        rule = (
            "a number above 0 and below 4, which is how far two points of the unit "
            "sphere can be apart, squared"
        )
        margin = check_number("margin", margin, rule, lambda x: 0 < x < 4)
        embedding_dim = int(embedding_dim)
        filters, dropout_rate = int(filters), float(dropout_rate)
        halvings = math.ceil(math.log2(max(image_shape[:2]) / _LEAST_SIDE))

        # === Layers ===
        encoding = keras.layers.Rescaling(
            2.0 / (num_levels - 1), offset=-1.0, dtype="float32", name="encoding"
        )
        stages = [
            _stage(filters * min(2**stage, _MOST_FEATURES), stage, dtype)
            for stage in range(max(halvings, 1))
        ]
        flatten = keras.layers.Flatten(
            data_format="channels_last", dtype=dtype, name="flatten"
        )
        dropout = StatelessDropout(dropout_rate, dtype=dtype, name="dropout")
        # Distances of nearby points need all digits, under mixed precision too.
        point = keras.layers.Dense(embedding_dim, dtype="float32", name="point")
        on_sphere = keras.layers.UnitNormalization(dtype="float32", name="embedding")

        # === Functional model ===
        image = keras.Input(image_shape, dtype="int32", name="image")
        features = encoding(image)
        for layer in itertools.chain(*stages):
            features = layer(features)
        points = point(dropout(flatten(features)))
        super().__init__(
            inputs={"image": image},
            outputs=on_sphere(_off_origin(points)),
            image_shape=image_shape,
            num_levels=num_levels,
            dtype=dtype,
            name=name,
            trainable=trainable,
        )

        # === Config ===
        self.embedding_dim = embedding_dim
        self.filters = filters
        self.margin = margin
        self.dropout_rate = dropout_rate

    # What `fit` takes: images, and an identity for each.

    def prepare_features(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Checks a batch of images with identities; see `ImageModel`.

        Args:
            batch: "image", and the identities as "label", integers of at least 0,
                (batch,) or (batch, 1).

        Raises:
            ValueError: when there are no images, or something else than integers in
                [0, num_levels) with an identity each.
        """
        if batch.get("label") is None:
            raise ValueError(
                'The triplet loss needs an identity for each image, as "label" beside '
                '"image". Received: images alone'
            )
        features = super().prepare_features(batch)
        return {**features, "label": checked_labels(batch["label"], features["image"])}

    def _prepare(self, x: Any, y: Any = None) -> dict[str, Any]:
        return self.prepare_features(input_data.as_dict(input_data.with_label(x, y)))

    def _prepare_inputs(self, x: Any, y: Any = None) -> dict[str, Any]:
        return super().prepare_features(input_data.as_dict(x))

    def losses_per_image(
        self, outputs: tf.Tensor, features: Mapping[str, tf.Tensor]
    ) -> ImageLosses:
        """Gives each image the triplet loss of the batch; see `ImageModel`.

        On several devices triplets are found in each one's own part of the batch.
        """
        label = tf.convert_to_tensor(features["label"])
        loss = semi_hard_triplet_loss(label, outputs, self.margin)
        losses = tf.fill(tf.shape(label)[:1], loss)
        return ImageLosses(losses, losses)

    @verb()
    def embed(self, image: Any, batch_size: int = 256) -> np.ndarray:
        """Embeds images.

        Args:
            image: integers in [0, num_levels), (batch, height, width, channels).
            batch_size: images embedded at once. Default 256.

        Returns:
            float32 array (batch, embedding_dim), rows of length 1.

        Raises:
            ValueError: when the images are not as said, or the weights are not finite,
                or so large that no embedding is left.
        """
        check_integer("batch_size", batch_size)
        if not tf.executing_eagerly():
            raise ValueError(
                "embed gives an array, which no graph has: in a tf.function or "
                "Dataset.map call the model itself."
            )
        images = self.check_image_batch(image)
        if not len(images):
            return np.zeros((0, self.embedding_dim), np.float32)
        embeddings = self.predict(images, batch_size=batch_size, verbose=0)
        # Features beyond float32 are divided by an infinite length: zeros are left.
        has_length = np.linalg.norm(embeddings, axis=-1) > 0
        return checked_outputs(tf.constant(has_length), embeddings)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "embedding_dim": self.embedding_dim,
            "filters": self.filters,
            "margin": self.margin,
            "dropout_rate": self.dropout_rate,
        }


def _stage(width: int, stage: int, dtype: Any) -> list[keras.layers.Layer]:
    """Makes two convolutions, normalised by image and not by batch, and a halving."""
    layers = []
    for layer in range(2):
        name = f"stage_{stage}_{layer}"
        layers += [
            keras.layers.Conv2D(
                width,
                3,
                padding="same",
                use_bias=False,
                data_format="channels_last",
                dtype=dtype,
                name=f"{name}_conv",
            ),
            keras.layers.GroupNormalization(
                math.gcd(width, 8), dtype=dtype, name=f"{name}_norm"
            ),
            keras.layers.ReLU(dtype=dtype, name=f"{name}_relu"),
        ]
    pool = keras.layers.MaxPooling2D(
        2,
        padding="same",
        data_format="channels_last",
        dtype=dtype,
        name=f"stage_{stage}_pool",
    )
    return [*layers, pool]


def _off_origin(points: Any) -> Any:
    """Moves points that have no direction to where they have one."""
    squared_length = keras.ops.sum(keras.ops.square(points), axis=-1, keepdims=True)
    return points + keras.ops.cast(squared_length < _SHORT, "float32")
