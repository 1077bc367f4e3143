"""The signatures of auto-encoders: images to latents, and latents to images."""

from typing import TYPE_CHECKING

import tensorflow as tf

from keras_pixelcnn.checks import checked
from keras_pixelcnn.export.sampling_signatures import (
    NUMBERS,
    RANDOM,
    checked_position,
    with_checked_temperature,
)
from keras_pixelcnn.export.scoring_signatures import (
    elbo_signature,
    image_levels,
    image_spec,
    log_prob_signature,
)
from keras_pixelcnn.export.signature import (
    Signature,
    Tensors,
    batch_of,
    make_signature,
)
from keras_pixelcnn.interpolation import embeddings_between
from keras_pixelcnn.samplers import example_uniforms

if TYPE_CHECKING:
    from keras_pixelcnn.models import MSEAutoencoder, PixelCNNAutoencoder


class AutoencodingSignatures:
    """Makes the signatures of an auto-encoder; see `signatures` for each.

    Those that draw share one graph of the scan.

    Args:
        model: a `PixelCNNAutoencoder`, or an `MSEAutoencoder`, which draws nothing.
    """

    def __init__(self, model: "MSEAutoencoder | PixelCNNAutoencoder") -> None:
        self._model = model
        self._draws = hasattr(model, "pixel_likelihood")
        self._random = RANDOM if self._draws else {}
        self._latent = {"latent": batch_of(model.latent_dim, dtype=tf.float32)}
        self._draw = tf.function(self._traced_draw, autograph=False)

    def all(self) -> dict[str, Signature]:
        """Makes those that the model can have, by name."""
        image = image_spec(self._model)
        ends = {
            **image_spec(self._model, "image_a"),
            **image_spec(self._model, "image_b"),
        }
        made = {
            "encode": make_signature(self._encode, image),
            "decode": make_signature(self._decode, {**self._latent, **self._random}),
            "reconstruct": make_signature(self._reconstruct, {**image, **self._random}),
            "interpolate": make_signature(
                self._interpolate, {**ends, "position": NUMBERS, **self._random}
            ),
        }
        if not self._draws:
            return made
        if self._model.is_variational:
            return {**made, "elbo": elbo_signature(self._model)}
        return {**made, "log_prob": log_prob_signature(self._model)}

    def _traced_draw(self, latent: tf.Tensor, inputs: Tensors) -> tf.Tensor:
        if not self._draws:
            return self._model.decode(latent)
        conditions = self._model.latent_conditions(latent)
        return self._model.decoder.sample_from_noise(**inputs, **conditions)

    def _image_of(self, latent: tf.Tensor, inputs: Tensors) -> Tensors:
        """Answers the signatures that end in an image."""
        if self._draws:
            inputs = with_checked_temperature(inputs)
            noise = example_uniforms(inputs["seed"], self._model.image_shape)
            inputs = {"noise": noise, "temperature": inputs["temperature"]}
        return {"image": self._draw(latent, inputs)}

    def _latent_of(self, name: str, inputs: Tensors) -> tf.Tensor:
        image = image_levels(self._model, inputs.pop(name), name)
        return self._model.encode(image)

    def _encode(self, inputs: Tensors) -> Tensors:
        return {"latent": self._latent_of("image", inputs)}

    def _decode(self, inputs: Tensors) -> Tensors:
        rule = "latent must hold finite numbers."
        latent = inputs.pop("latent")
        latent = checked(tf.math.is_finite(latent), latent, rule)
        return self._image_of(latent, inputs)

    def _reconstruct(self, inputs: Tensors) -> Tensors:
        return self._image_of(self._latent_of("image", inputs), inputs)

    def _interpolate(self, inputs: Tensors) -> Tensors:
        a, b = (self._latent_of(name, inputs) for name in ("image_a", "image_b"))
        position = checked_position(inputs.pop("position"))
        along_line = tf.zeros_like(position, tf.bool)
        latent, _ = embeddings_between(a, b, position, spherical=along_line)
        return self._image_of(latent, inputs)
