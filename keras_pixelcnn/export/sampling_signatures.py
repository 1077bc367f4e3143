"""The signatures that sample images.

Those that start from nothing share one graph of the scan, and those that start from
known pixels another: the scan is most of an export.
"""

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from keras_pixelcnn.checks import checked
from keras_pixelcnn.export.png import PNGFormat
from keras_pixelcnn.export.signature import (
    Signature,
    Tensors,
    batch_of,
    condition_specs,
    make_signature,
)
from keras_pixelcnn.interpolation import NO_ARC, embeddings_between
from keras_pixelcnn.samplers import example_uniforms

if TYPE_CHECKING:
    from keras_pixelcnn.models import AutoregressiveImageModel

NUMBERS = batch_of(dtype=tf.float32)
RANDOM = {"seed": batch_of(dtype=tf.int64), "temperature": NUMBERS}
_STRINGS = batch_of(dtype=tf.string)


class SamplingSignatures:
    """Makes the signatures that sample; see `signatures` for what each takes and gives.

    Args:
        model: an `AutoregressiveImageModel`.
    """

    def __init__(self, model: "AutoregressiveImageModel") -> None:
        self._model = model
        self._conditions = condition_specs(model)
        self._draw = tf.function(self._traced_draw, autograph=False)
        self._complete = tf.function(self._traced_complete, autograph=False)

    def all(self) -> dict[str, Signature]:
        """Makes those that the model can have, by name."""
        image = batch_of(*self._model.image_shape, dtype=tf.int32)
        mask = batch_of(*self._model.image_shape[:2], dtype=tf.bool)
        noise = batch_of(*self._model.image_shape, dtype=tf.float32)
        made = {
            "sample": self._signature(self._sample, RANDOM),
            "sample_from_noise": self._signature(
                self._sample_from_noise, {"noise": noise, "temperature": NUMBERS}
            ),
            "complete": self._signature(
                self._complete_image, {"image": image, "mask": mask, **RANDOM}
            ),
        }
        if "embedding" in self._model.conditions.shapes:
            embedding = self._conditions["embedding"]
            specs = {
                "embedding_a": embedding,
                "embedding_b": embedding,
                "position": NUMBERS,
                "spherical": batch_of(dtype=tf.bool),
                **RANDOM,
                **condition_specs(self._model, without=("embedding",)),
            }
            made["interpolate"] = make_signature(self._interpolate, specs)
        if PNGFormat.can_hold(self._model):
            made |= self._png_signatures()
        return made

    def _signature(self, function: Any, specs: dict[str, tf.TensorSpec]) -> Signature:
        return make_signature(function, {**specs, **self._conditions})

    # What the signatures share.

    def _traced_draw(self, noise: tf.Tensor, inputs: Tensors) -> tf.Tensor:
        return self._model.sample_from_noise(noise, **inputs)

    def _traced_complete(
        self, image: tf.Tensor, mask: tf.Tensor, inputs: Tensors
    ) -> tf.Tensor:
        # Else a mask of few pixels could be read as one of channels.
        mask = tf.repeat(mask[..., tf.newaxis], self._model.image_shape[-1], axis=-1)
        return self._model.complete(image, mask, **inputs)

    # What each of them does with it.

    def _sample(self, inputs: Tensors) -> Tensors:
        inputs = with_checked_temperature(inputs)
        noise = example_uniforms(inputs.pop("seed"), self._model.image_shape)
        return {"image": self._draw(noise, inputs)}

    def _sample_from_noise(self, inputs: Tensors) -> Tensors:
        inputs = with_checked_temperature(inputs)
        return {"image": self._draw(inputs.pop("noise"), inputs)}

    def _complete_image(self, inputs: Tensors) -> Tensors:
        inputs = with_checked_temperature(inputs)
        image, mask = inputs.pop("image"), inputs.pop("mask")
        return {"image": self._complete(image, mask, inputs)}

    def _interpolate(self, inputs: Tensors) -> Tensors:
        position, spherical = inputs.pop("position"), inputs.pop("spherical")
        position = checked_position(position)
        a, b = (
            self._model.conditions.check_value("embedding", inputs.pop(name), name)
            for name in ("embedding_a", "embedding_b")
        )
        embedding, has_arc = embeddings_between(a, b, position, spherical)
        rule = f"embedding_a and embedding_b, where spherical is true: {NO_ARC}"
        embedding = checked(has_arc, embedding, rule, shown=tf.stack([a, b], axis=1))
        return self._sample({**inputs, "embedding": embedding})

    def _png_signatures(self) -> dict[str, Signature]:
        png = PNGFormat(self._model)

        def sample_png(inputs: Tensors) -> Tensors:
            return {"image_bytes": png.encode(self._sample(inputs)["image"])}

        def complete_png(inputs: Tensors) -> Tensors:
            image = png.decode("image_bytes", inputs.pop("image_bytes"))
            mask = png.decode_mask("mask_bytes", inputs.pop("mask_bytes"))
            drawn = self._complete_image({**inputs, "image": image, "mask": mask})
            files = png.encode(drawn["image"])
            return {"image_bytes": files, "known_share": known_share(mask)}

        pictures = {"image_bytes": _STRINGS, "mask_bytes": _STRINGS}
        return {
            "sample_png": self._signature(sample_png, RANDOM),
            "complete_png": self._signature(complete_png, {**pictures, **RANDOM}),
        }


def known_share(mask: tf.Tensor) -> tf.Tensor:
    """Computes which share of its pixels each mask keeps: float32 (batch,).

    A graph may say nothing; so the answer tells of masks that keep all, exactly 1, or
    nothing, exactly 0. In float32 TensorFlow's optimiser makes 49 / 49 less than 1.
    """
    share = tf.reduce_mean(tf.cast(mask, tf.float64), axis=[1, 2])
    return tf.cast(share, tf.float32)


def with_checked_temperature(inputs: Tensors) -> Tensors:
    """Checks the temperatures of a signature's inputs."""
    temperature = inputs["temperature"]
    rule = "temperature must be finite numbers above 0."
    possible = (temperature > 0) & tf.math.is_finite(temperature)
    return {**inputs, "temperature": checked(possible, temperature, rule)}


def checked_position(position: tf.Tensor) -> tf.Tensor:
    """Positions between two ends, once they are seen to be possible."""
    rule = "position must hold numbers from 0 to 1."
    return checked((position >= 0) & (position <= 1), position, rule)
