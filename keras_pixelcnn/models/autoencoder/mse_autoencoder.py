"""MSEAutoencoder: the paper's baseline, trained on squared error."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn.checks import (
    check_image_shape,
    check_integer,
    check_num_levels,
    checked_outputs,
    verb,
)
from keras_pixelcnn.interpolation import interpolate_embeddings
from keras_pixelcnn.layers import DeconvolutionalDecoder, ImageEncoder
from keras_pixelcnn.models.autoencoder import latents
from keras_pixelcnn.models.base.image_model import ImageLosses, ImageModel
from keras_pixelcnn.samplers import at_least_one


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class MSEAutoencoder(ImageModel):
    """An auto-encoder whose decoder gives all pixels at once, by squared error.

    The encoder is that of `PixelCNNAutoencoder`; the decoder a deconvolutional network.
    Trained by `compile()` and `fit(x)`. The loss and the metric, "mean_squared_error",
    are those of pixel values scaled to [0, 1].

    Args:
        image_shape: (height, width, channels): any size, any number of channels.
        num_levels: pixel values are integers in [0, num_levels). Default 256.
        latent_dim: length of the latent. Default 100.
        encoder_filters: features of the encoder at the image's size; twice as many at
            each half of it. Default 32.
        decoder_filters: the same of the decoder. Default: `encoder_filters`.
        dtype: dtype policy, such as "mixed_bfloat16"; latents, pixels and loss stay
            float32. Default: Keras's global policy.
        name: the model's name.
        trainable: whether the weights are trained. Default True.

    Call arguments:
        inputs: as for `ImageModel`.

    Returns:
        Pixel values scaled to [0, 1], float32 (batch, height, width, channels).

    Raises:
        ValueError: on arguments out of their ranges.

    Example:
        >>> model = MSEAutoencoder((28, 28, 1), latent_dim=10)
        >>> model.compile("adam")
        >>> model.fit(images, epochs=10)
        >>> model.reconstruct(images[:8])

    References:
        van den Oord et al. 2016, arXiv 1606.05328, section 3.4 and figure 6.
    """

    own_loss = "squared error and shows it as mean_squared_error"

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_levels: int = 256,
        latent_dim: int = 100,
        encoder_filters: int = 32,
        decoder_filters: int | None = None,
        dtype: Any = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        image_shape = check_image_shape(image_shape)
        num_levels = check_num_levels(num_levels)
        check_integer("latent_dim", latent_dim)
        check_integer("encoder_filters", encoder_filters)
        if decoder_filters is not None:
            check_integer("decoder_filters", decoder_filters)

        # === Layers ===
        encoder = ImageEncoder(
            latent_dim, num_levels, encoder_filters, dtype=dtype, name="encoder"
        )
        decoder = DeconvolutionalDecoder(
            image_shape, decoder_filters or encoder_filters, dtype=dtype, name="decoder"
        )

        # === Functional model ===
        image = keras.Input(image_shape, dtype="int32", name="image")
        super().__init__(
            inputs={"image": image},
            outputs=decoder(encoder(image)),
            image_shape=image_shape,
            num_levels=num_levels,
            metric_name="mean_squared_error",
            dtype=dtype,
            name=name,
            trainable=trainable,
        )

        # === Config ===
        self.latent_dim = latent_dim
        self.encoder_filters = encoder_filters
        self.decoder_filters = decoder_filters
        self.encoder = encoder
        self.decoder = decoder

    def losses_per_image(
        self, outputs: tf.Tensor, features: Mapping[str, tf.Tensor]
    ) -> ImageLosses:
        """Computes the mean squared error of each image, of values in [0, 1]."""
        scaled = tf.cast(features["image"], tf.float32) / (self.num_levels - 1)
        errors = tf.reduce_mean(tf.square(outputs - scaled), axis=[1, 2, 3])
        return ImageLosses(errors, errors)

    def image_latent(self, image: tf.Tensor) -> tf.Tensor:
        """Encodes images that are checked, in one pass: float32 (batch, d)."""
        return self.encoder(image)

    @verb()
    def encode(self, image: Any, batch_size: int = 128) -> tf.Tensor:
        """Encodes images as latents.

        Args:
            image: integers in [0, num_levels), (batch, height, width, channels).
            batch_size: images encoded in one pass. Default 128.

        Returns:
            float32 tensor (batch, latent_dim).

        Raises:
            ValueError: when the images are not as said.
        """
        return latents.encode(self, image, batch_size)

    @verb()
    def decode(self, latent: Any) -> tf.Tensor:
        """Decodes each latent as one image.

        Args:
            latent: floats (latent_dim,), or (batch, latent_dim).

        Returns:
            Integers in [0, num_levels), (batch, height, width, channels), uint8 where
            they fit, else int32: the levels nearest to what the decoder gives. One
            latent alone gives a batch of one.

        Raises:
            ValueError: when the latents are not as said.
        """
        latent = latents.check_latent(latent, self.latent_dim)
        latent = tf.reshape(latent, [-1, self.latent_dim])
        size = latent.shape[0] or tf.shape(latent)[0]
        scaled = self.decoder(at_least_one(latent))[:size]
        scaled = checked_outputs(tf.math.is_finite(scaled), scaled)
        levels = tf.round(scaled * (self.num_levels - 1))
        return tf.cast(levels, tf.uint8 if self.num_levels <= 256 else tf.int32)

    @verb()
    def reconstruct(self, image: Any) -> tf.Tensor:
        """Encodes images and decodes their latents."""
        return self.decode(self.encode(image))

    @verb()
    def interpolate(
        self, image_a: Any, image_b: Any, steps: int = 8, method: str = "linear"
    ) -> tf.Tensor:
        """Decodes images on the way from one image's latent to another's.

        Args:
            image_a: integers in [0, num_levels), (height, width, channels), or (rows,
                height, width, channels) for several rows.
            image_b: the same.
            steps: images of a row, both ends included; at least 2. Default 8.
            method: "linear" or "spherical".

        Returns:
            Images like those of `decode`, (steps, height, width, channels), or (rows,
            steps, height, width, channels) for several rows.

        Raises:
            ValueError: when an argument is not as said.
        """
        ends = latents.latents_of_ends(self, image_a, image_b)
        way = interpolate_embeddings(*ends, steps, method)
        images = self.decode(tf.reshape(way, [-1, self.latent_dim]))
        return tf.reshape(images, tf.concat([tf.shape(way)[:-1], self.image_shape], 0))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "latent_dim": self.latent_dim,
            "encoder_filters": self.encoder_filters,
            "decoder_filters": self.decoder_filters,
        }
