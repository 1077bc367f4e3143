"""VQVAE: an auto-encoder between images and maps of codes."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

import keras_pixelcnn as kp
from trainers.runs.data import LabelledImages, in_batches
from trainers.vq.vector_quantizer import VectorQuantizer

_MOST_IMAGES_AT_ONCE = 500


@keras.saving.register_keras_serializable(package="keras_pixelcnn_trainers")
class VQVAE(keras.Model):
    """A convolutional auto-encoder whose bottleneck is a map of codes.

    Args:
        image_shape: (height, width, channels), sides multiples of 2 ** num_halvings.
        num_levels: pixel values are integers in [0, num_levels). Default 256.
        num_codes: entries of the codebook. Default 512.
        code_dim: length of its vectors. Default 32.
        filters: features inside the network. Default 64.
        num_residual_blocks: on each side of the bottleneck. Default 2.
        num_halvings: how often height and width are halved. Default 2.
        commitment: see `VectorQuantizer`.
        decay: see `VectorQuantizer`.
        seed: see `VectorQuantizer`.

    Call arguments:
        inputs: integers (batch, height, width, channels).
        training: whether the codebook follows the features.

    Returns:
        float32 tensor of the same shape: the images anew, with values from 0 to 1.

    Raises:
        ValueError: when the sides cannot be halved so often.

    References:
        van den Oord et al. 2017, arXiv 1711.00937, section 4.1.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_levels: int = 256,
        num_codes: int = 512,
        code_dim: int = 32,
        filters: int = 64,
        num_residual_blocks: int = 2,
        num_halvings: int = 2,
        commitment: float = 0.25,
        decay: float = 0.99,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        height, width, channels = image_shape
        factor = 2**num_halvings
        if num_halvings < 1 or height % factor or width % factor:
            raise ValueError(
                "num_halvings must be at least 1, and height and width multiples of 2 "
                f"** num_halvings. Received: num_halvings={num_halvings} for "
                f"image_shape={tuple(image_shape)}. Choose another image_size."
            )
        self.image_shape = tuple(image_shape)
        self.num_levels = num_levels
        self.code_shape = (height // factor, width // factor, 1)
        self._arguments = {
            "num_codes": num_codes,
            "code_dim": code_dim,
            "filters": filters,
            "num_residual_blocks": num_residual_blocks,
            "num_halvings": num_halvings,
            "commitment": commitment,
            "decay": decay,
            "seed": seed,
        }
        image = outputs = keras.Input(image_shape)
        for _ in range(num_halvings):
            halving = keras.layers.Conv2D(filters, 4, 2, "same", activation="relu")
            outputs = halving(outputs)
        outputs = _residual_blocks(outputs, filters, num_residual_blocks)
        outputs = keras.layers.Conv2D(code_dim, 1)(outputs)
        self.encoder = keras.Model(image, outputs, name="encoder")
        self.quantizer = VectorQuantizer(
            num_codes, commitment, decay, seed=seed, dtype="float32", name="quantizer"
        )
        vectors = keras.Input((*self.code_shape[:2], code_dim))
        outputs = keras.layers.Conv2D(filters, 3, padding="same")(vectors)
        outputs = _residual_blocks(outputs, filters, num_residual_blocks)
        doubling = keras.layers.Conv2DTranspose
        for _ in range(num_halvings - 1):
            outputs = doubling(filters, 4, 2, "same", activation="relu")(outputs)
        pixels = doubling(channels, 4, 2, "same", dtype="float32", name="pixels")
        self.decoder = keras.Model(vectors, pixels(outputs), name="decoder")
        self.quantizer.build(vectors.shape)
        self.built = True

    def scaled(self, images: Any) -> tf.Tensor:
        """Returns images as float32 from 0 to 1."""
        return tf.cast(images, tf.float32) / (self.num_levels - 1)

    def call(self, inputs: Any, training: bool | None = None) -> tf.Tensor:
        """Returns the images, by way of their codes."""
        features = self.encoder(self.scaled(inputs), training=training)
        return self.decoder(self.quantizer(features, training=training))

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Returns the codes of images: int32 (batch, *code_shape)."""
        return in_batches(self._encode, _MOST_IMAGES_AT_ONCE, images).astype("int32")

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Returns the images of codes (batch, *code_shape), in levels: int32.

        Raises:
            ValueError: when the decoder gives pixels that are not finite.
        """
        pixels = in_batches(self._decode, _MOST_IMAGES_AT_ONCE, codes)
        if not np.isfinite(pixels).all():
            raise ValueError(
                "The decoder must give finite pixels. Received: "
                f"{pixels[~np.isfinite(pixels)][0]}. Its weights are of no use: train "
                "it anew, with a lower learning rate."
            )
        levels = np.rint(np.clip(pixels, 0.0, 1.0) * (self.num_levels - 1))
        return levels.astype("int32")

    def _encode(self, images: tf.Tensor) -> tf.Tensor:
        return self.quantizer.codes(self.encoder(self.scaled(images)))[..., tf.newaxis]

    def _decode(self, codes: tf.Tensor) -> tf.Tensor:
        return self.decoder(self.quantizer.vectors(tf.cast(codes[..., 0], tf.int32)))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "num_levels": self.num_levels,
            **self._arguments,
        }


def code_features(
    vq_vae: VQVAE, images: LabelledImages, prior: kp.AutoregressiveImageModel
) -> dict[str, np.ndarray]:
    """Returns codes as "image", and labels if the prior takes any."""
    codes = {"image": vq_vae.encode(images.image)}
    return {**codes, "label": images.label} if prior.conditions.names else codes


def _residual_blocks(inputs: Any, filters: int, number: int) -> Any:
    for _ in range(number):
        outputs = keras.layers.ReLU()(inputs)
        outputs = keras.layers.Conv2D(filters // 2, 3, padding="same")(outputs)
        outputs = keras.layers.ReLU()(outputs)
        outputs = keras.layers.Conv2D(filters, 1)(outputs)
        inputs = keras.layers.Add()([inputs, outputs])
    return keras.layers.ReLU()(inputs)
