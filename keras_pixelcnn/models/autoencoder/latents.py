"""Encoding of images, and checks of latents, for both auto-encoders."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from keras_pixelcnn.checks import checked, checked_images
from keras_pixelcnn.models.base.image_model import ImageModel
from keras_pixelcnn.models.base.input_data import in_passes
from keras_pixelcnn.samplers import at_least_one

if TYPE_CHECKING:
    from keras_pixelcnn.models.autoencoder.mse_autoencoder import MSEAutoencoder
    from keras_pixelcnn.models.autoencoder.pixelcnn_autoencoder import (
        PixelCNNAutoencoder,
    )

_RULE = "latent must hold finite numbers."


def levels_of(model: ImageModel, image: Any) -> tf.Tensor:
    """Levels as a tensor; values are looked at where they are known.

    Raises:
        ValueError: when they are none, or of another shape than the model's.
    """
    image = tf.convert_to_tensor(model.check_image_batch(image))
    return tf.cast(checked_images(image, model.num_levels), tf.int32)


def encode(
    model: "MSEAutoencoder | PixelCNNAutoencoder", image: Any, batch_size: int
) -> tf.Tensor:
    """Encodes images, for both auto-encoders.

    Args:
        model: whose `image_latent` knows no checks.
        image: integers in [0, num_levels), (batch, height, width, channels).
        batch_size: images encoded in one pass.
    """

    def run(features: Mapping[str, tf.Tensor]) -> tf.Tensor:
        image = features["image"]
        size = tf.shape(image)[0]
        return model.image_latent(at_least_one(image))[:size]

    features = {"image": levels_of(model, image)}
    return in_passes(model, ("encode",), run, features, batch_size)


def check_latent(latent: Any, latent_dim: int) -> tf.Tensor:
    """Latents as a user has them, as a tensor.

    Args:
        latent: floats (latent_dim,) or (batch, latent_dim).
        latent_dim: length of a latent.

    Returns:
        float32 tensor of the same shape.

    Raises:
        ValueError: when the type, the shape or a value is another; in graphs values
            that are not known yet raise `InvalidArgumentError` when they run.
    """
    if not tf.is_tensor(latent):
        latent = np.asarray(latent)
        if latent.dtype.kind not in "fiu":
            raise ValueError(f"{_RULE} Received: values of type {latent.dtype}")
    latent = tf.cast(latent, tf.float32)
    shape = latent.shape
    if shape.rank is None:
        raise ValueError(
            f"latent must have a shape, ({latent_dim},) or (batch, {latent_dim}), that "
            "the graph knows: tf.ensure_shape tells it. Received: an unknown one"
        )
    if shape.rank not in (1, 2) or not shape[-1:].is_compatible_with([latent_dim]):
        raise ValueError(
            f"latent must have the shape ({latent_dim},) or (batch, {latent_dim}). "
            f"Received: latent of shape {tuple(shape)}"
        )
    known = tf.get_static_value(latent)
    if known is None:
        return checked(tf.math.is_finite(latent), latent, _RULE)
    if not np.isfinite(known).all():
        raise ValueError(f"{_RULE} Received: {known[~np.isfinite(known)][0]}")
    return latent


def latents_of_ends(
    model: "MSEAutoencoder | PixelCNNAutoencoder", image_a: Any, image_b: Any
) -> tuple[tf.Tensor, tf.Tensor]:
    """Encodes two images, or the images of two batches.

    Args:
        model: whose `encode` it is.
        image_a: (height, width, channels), or (rows, height, width, channels).
        image_b: the same shape.

    Returns:
        float32 tensors (d,), or (rows, d).

    Raises:
        ValueError: when the images are not as said.
    """
    shapes = [tf.TensorShape(np.shape(image)) for image in (image_a, image_b)]
    if not shapes[0].is_compatible_with(shapes[1]):
        raise ValueError(
            "image_a and image_b must have one shape. "
            f"Received: {tuple(shapes[0])} and {tuple(shapes[1])}"
        )
    if shapes[0].rank == len(model.image_shape):
        ends = [tf.expand_dims(image, 0) for image in (image_a, image_b)]
        return tuple(model.encode(image)[0] for image in ends)
    return model.encode(image_a), model.encode(image_b)
