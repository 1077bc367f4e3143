"""Drawing: what a request for images asks of a model, in one graph."""

import functools
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from keras_pixelcnn.models.base.conditions import HAS_CONDITION
from keras_pixelcnn.models.base.features import REQUEST, at_least_one
from keras_pixelcnn.samplers import (
    BatchSlices,
    Draw,
    KnownPixels,
    RowDraw,
    ancestral_scan,
    example_uniforms,
    most_slices,
    raster_scan,
)

SAMPLERS = ("incremental", "ancestral")


def draw_images(
    model: Any,
    request: Mapping[str, tf.Tensor],
    sampler: str | None,
    side_by_side: bool = True,
) -> tf.Tensor:
    """Draws images, in eager mode or in a graph.

    Args:
        model: an `AutoregressiveImageModel`.
        request: "temperature" float32 (batch,); "seed" int64 (batch,), or "noise"
            float32 (batch, height, width, channels); if asked for "top_p" and
            "guidance_scale", float32 (batch,), "image" int32 and "mask" bool, both
            (batch, height, width, channels), True where the image is kept; and the
            model's conditions. All checked.
        sampler: "incremental", "ancestral", or None for the first where the model has
            steps.
        side_by_side: whether slices of the batch are drawn by loops of their own.

    Returns:
        Integers (batch, height, width, channels), uint8 where the levels fit.

    Raises:
        ValueError: when the incremental sampler is asked for and the model has no
            steps.
    """
    if sampler == "incremental" and not model.has_scan_steps:
        raise ValueError(
            f'{model.why_no_scan_steps} Use sampler="ancestral", which is slower.'
        )
    by_steps = sampler != "ancestral" and model.has_scan_steps
    # Some kernels refuse an empty batch; and loops ask that shapes known before them
    # stay known inside.
    padded = {name: at_least_one(value) for name, value in request.items()}
    if "seed" in padded:
        padded["noise"] = example_uniforms(padded.pop("seed"), model.image_shape)
    size = _size(padded["temperature"])
    slices = BatchSlices(size, most_slices() if by_steps and side_by_side else 1)
    arranged = {name: slices.arrange(value) for name, value in padded.items()}
    conditions = {name: arranged[name] for name in request if name not in REQUEST}
    draw = _Draw(model, arranged)
    known = None
    if "mask" in arranged:
        known = KnownPixels(arranged["image"], arranged["mask"])
    if draw.is_guided:
        conditions = _with_unconditional(conditions)
        known = known and KnownPixels(*(tf.concat([x, x], axis=1) for x in known))
    images = _scan(
        model,
        draw,
        {name: _flat(value) for name, value in conditions.items()},
        slices.of_pairs() if draw.is_guided else slices,
        known and KnownPixels(*map(_flat, known)),
        by_steps,
    )
    images = slices.restore(images[:, : slices.size])
    dtype = tf.uint8 if model.num_levels <= 256 else tf.int32
    return tf.cast(images[: _size(request["temperature"])], dtype)


def scan_batch(
    model: Any, draw: Draw, conditions: Mapping[str, tf.Tensor], slices: BatchSlices
) -> tf.Tensor:
    """Lets `draw` choose the values of a batch; see `AutoregressiveImageModel.scan`."""
    arranged = {name: _flat(slices.arrange(v)) for name, v in conditions.items()}
    images = _scan(model, draw, arranged, slices, None, model.has_scan_steps)
    return slices.restore(images)


def _size(batch: tf.Tensor) -> tf.Tensor | int:
    return batch.shape[0] or tf.shape(batch)[0]


def _flat(arranged: tf.Tensor) -> tf.Tensor:
    """(slices, examples, ...) as (slices x examples, ...)."""
    slices, examples = arranged.shape[:2]
    is_known = slices is not None and examples is not None
    return tf.reshape(
        arranged, [slices * examples if is_known else -1, *arranged.shape[2:]]
    )


class _Draw:
    """Chooses the values of a request's images; its tensors are (slices, examples)."""

    def __init__(self, model: Any, request: Mapping[str, tf.Tensor]) -> None:
        self._likelihood = model.pixel_likelihood
        self._temperature = request["temperature"]
        self._top_p = request.get("top_p")
        self._guidance_scale = request.get("guidance_scale")
        self.is_guided = self._guidance_scale is not None
        self._noise = _examples_last(request["noise"])
        self._known = None
        if "mask" in request:
            names = ("image", "mask")
            self._known = [_examples_last(request[name]) for name in names]

    def __call__(self, index: tf.Tensor | int, row: tf.Tensor) -> RowDraw:
        noise = self._noise[index, row]
        known = self._known and [values[index, row] for values in self._known]
        temperature = self._temperature[index]
        top_p = None if self._top_p is None else self._top_p[index]
        scale = self._guidance_scale[index] if self.is_guided else None

        def draw(column: tf.Tensor, channel: int, parameters: tf.Tensor) -> tf.Tensor:
            chance = (noise[column, channel], temperature, top_p)
            if scale is None:
                values = self._likelihood.sample(parameters, *chance)
            else:
                both = tf.split(parameters, 2)
                values = self._likelihood.sample_guided(*both, scale, *chance)
            if known is not None:
                image, mask = (values[column, channel] for values in known)
                values = tf.where(mask, image, values)
            return values if scale is None else tf.concat([values, values], axis=0)

        return draw


def _examples_last(values: tf.Tensor) -> tf.Tensor:
    """(slices, examples, height, width, channels) with the examples last.

    A step then reads neighbouring values.
    """
    return tf.transpose(values, [0, 2, 3, 4, 1])


def _scan(
    model: Any,
    draw: Draw,
    conditions: dict[str, tf.Tensor],
    slices: BatchSlices,
    known: KnownPixels | None,
    by_steps: bool,
) -> tf.Tensor:
    if by_steps:
        steps = model.scan_steps(conditions)
        return raster_scan(steps, draw, model.image_shape, slices, known)
    whole = functools.partial(_whole_pass, model, conditions)
    images = ancestral_scan(
        whole,
        model.pixel_likelihood.channel_parameters,
        draw,
        model.image_shape,
        slices.size,
        known,
        passes_a_pixel=model.pixel_likelihood.color_groups,
    )
    return images[tf.newaxis]


def _whole_pass(
    model: Any, conditions: dict[str, tf.Tensor], images: tf.Tensor
) -> tf.Tensor:
    return model({"image": images, **conditions}, training=False)


def _with_unconditional(conditions: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The examples of each slice twice, the second time without their conditions."""
    twice = {
        name: tf.concat([value, value], axis=1) for name, value in conditions.items()
    }
    present = conditions[HAS_CONDITION]
    return {
        **twice,
        HAS_CONDITION: tf.concat([present, tf.zeros_like(present)], axis=1),
    }
