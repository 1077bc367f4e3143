"""Drawing: what a request for images asks of a model, in one graph."""

import functools
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from keras_pixelcnn.models.conditions import HAS_CONDITION
from keras_pixelcnn.models.features import REQUEST, at_least_one
from keras_pixelcnn.samplers import (
    KnownPixels,
    ancestral_scan,
    example_uniforms,
    raster_scan,
)

SAMPLERS = ("incremental", "ancestral")


def draw_images(
    model: Any, request: Mapping[str, tf.Tensor], sampler: str | None
) -> tf.Tensor:
    """Draws images, in eager mode or in a graph.

    Args:
        model: an `AutoregressiveImageModel`.
        request: "seed" int64 (batch,), "temperature" float32 (batch,); if asked for
            "top_p" and "guidance_scale", float32 (batch,), "image" int32 and "mask"
            bool, both (batch, height, width, channels), True where the image is kept;
            and the model's conditions. All checked.
        sampler: "incremental", "ancestral", or None for the first where the model has
            steps.

    Returns:
        Integers (batch, height, width, channels), uint8 where the levels fit.

    Raises:
        ValueError: when the incremental sampler is asked for and the model has no
            steps.
    """
    seed = request["seed"]
    # Some kernels refuse an empty batch; and loops ask that shapes known before them
    # stay known inside.
    padded = {name: at_least_one(value) for name, value in request.items()}
    conditions = {name: padded.pop(name) for name in request if name not in REQUEST}
    known = None
    if "mask" in padded:
        known = KnownPixels(padded["image"], padded["mask"])
    draw = _Draw(model, padded, known)
    if draw.is_guided:
        conditions = _with_unconditional(conditions)
        known = known and KnownPixels(*(tf.concat([x, x], axis=0) for x in known))
    images = _scan(model, draw, conditions, known, sampler)
    dtype = tf.uint8 if model.num_levels <= 256 else tf.int32
    return tf.cast(images[: seed.shape[0] or tf.shape(seed)[0]], dtype)


class _Draw:
    """Chooses the values of a channel of a pixel, for all images of a request."""

    def __init__(
        self, model: Any, request: Mapping[str, tf.Tensor], known: KnownPixels | None
    ) -> None:
        self._likelihood = model.pixel_likelihood
        self._temperature = request["temperature"]
        self._top_p = request.get("top_p")
        self._guidance_scale = request.get("guidance_scale")
        self.is_guided = self._guidance_scale is not None
        uniforms = example_uniforms(request["seed"], model.image_shape)
        # The batch last: a step then reads neighbouring values.
        self._noise = tf.transpose(uniforms, [1, 2, 3, 0])
        self._known = known and known.by_position()
        size = request["seed"].shape[0] or tf.shape(request["seed"])[0]
        self.batch_size = 2 * size if self.is_guided else size

    def __call__(
        self, row: tf.Tensor, column: tf.Tensor, channel: int, parameters: tf.Tensor
    ) -> tf.Tensor:
        if self.is_guided:
            halves = tf.split(parameters, 2)
            parameters = self._likelihood.guide(*halves, self._guidance_scale)
        noise = self._noise[row, column, channel]
        values = self._likelihood.sample(
            parameters, noise, self._temperature, self._top_p
        )
        if self._known is not None:
            image, mask = (x[row, column, channel] for x in self._known)
            values = tf.where(mask, image, values)
        return tf.concat([values, values], axis=0) if self.is_guided else values


def _scan(
    model: Any,
    draw: _Draw,
    conditions: dict[str, tf.Tensor],
    known: KnownPixels | None,
    sampler: str | None,
) -> tf.Tensor:
    steps = None if sampler == "ancestral" else model.scan_steps(conditions)
    shape, batch_size = model.image_shape, draw.batch_size
    if steps is not None:
        return raster_scan(steps, draw, shape, batch_size, known)
    if sampler == "incremental":
        raise ValueError(
            f"{type(model).__name__} cannot be run step by step. Use "
            'sampler="ancestral", which is slower.'
        )
    whole = functools.partial(_whole_pass, model, conditions)
    return ancestral_scan(whole, draw, shape, batch_size, known)


def _whole_pass(
    model: Any, conditions: dict[str, tf.Tensor], images: tf.Tensor
) -> tf.Tensor:
    return model({"image": images, **conditions}, training=False)


def _with_unconditional(conditions: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The batch twice, the second time without its conditions."""
    twice = {
        name: tf.concat([value, value], axis=0) for name, value in conditions.items()
    }
    present = conditions[HAS_CONDITION]
    return {
        **twice,
        HAS_CONDITION: tf.concat([present, tf.zeros_like(present)], axis=0),
    }
