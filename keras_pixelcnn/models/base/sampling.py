"""Requests and samplers of `sample`, `complete` and `sample_from_noise`.

A request is a dict of named tensors that lead with the batch. It is answered by one
graph, which draws the uniform noise of each image from its seed (in `_sample`) and
lets a sampler visit the pixels.
"""

import functools
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from keras_pixelcnn.checks import checked_outputs, sizes_of
from keras_pixelcnn.models.base import request_validation
from keras_pixelcnn.models.base.conditions import HAS_CONDITION
from keras_pixelcnn.samplers import (
    BatchSlices,
    Draw,
    KnownPixels,
    RowDraw,
    ancestral_scan,
    at_least_one,
    example_uniforms,
    fixed_point_scan,
    for_xla,
    most_slices,
)

if TYPE_CHECKING:
    from keras_pixelcnn.models.base.autoregressive import AutoregressiveImageModel

SAMPLERS = ("incremental", "fixed_point", "ancestral")

_MOST_PARAMETERS = 2**25
"""Numbers that whole passes of the fixed point give at once: 128 MiB."""

REQUEST = (
    "seed",
    "noise",
    "temperature",
    "top_p",
    "guidance_scale",
    "image",
    "mask",
)
"""What a request for images may hold beside conditions."""

OPTIONS = ("top_p", "guidance_scale", "sampler", "jit_compile")
"""What every verb that samples takes beside its temperature and conditions."""


def split_options(
    options: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Splits keyword arguments of a verb into those of `OPTIONS` and the conditions."""
    chosen = {name: options[name] for name in OPTIONS if name in options}
    return chosen, {name: options[name] for name in options if name not in OPTIONS}


def answer_request(
    model: "AutoregressiveImageModel",
    num_images: tf.Tensor | int,
    conditions: Mapping[str, Any],
    request: Mapping[str, tf.Tensor],
    *,
    temperature: Any,
    top_p: Any = None,
    guidance_scale: Any = None,
    sampler: str | None = None,
    jit_compile: bool = False,
) -> tf.Tensor:
    """Checks what is left to check, and samples: as a graph, or as part of one.

    Args:
        model: what is sampled.
        num_images: how many.
        conditions: by name, as passed.
        request: the parts that are prepared: "seed" or "noise", or also "image" and
            "mask"; see `sample_images`.
        temperature: the rest are arguments of `AutoregressiveImageModel.sample`.
        top_p: as there.
        guidance_scale: as there.
        sampler: as there.
        jit_compile: as there.

    Raises:
        ValueError: as there.
    """
    request = {
        **request,
        "temperature": request_validation.prepare_temperature(temperature, num_images),
        **model.conditions.prepare(conditions, num_images),
    }
    if top_p is not None:
        request["top_p"] = request_validation.prepare_top_p(top_p, num_images)
    if guidance_scale is not None:
        if not model.conditions.optional:
            raise ValueError(
                "guidance_scale mixes the conditional and the unconditional model, and "
                "only a model trained with condition_dropout above 0 is both."
            )
        request["guidance_scale"] = request_validation.prepare_guidance_scale(
            guidance_scale, num_images
        )
    if sampler not in (None, *SAMPLERS):
        raise ValueError(
            f"sampler must be one of {SAMPLERS}. Received: sampler={sampler!r}"
        )
    answer = functools.partial(
        sample_images, model, sampler=sampler, by_xla=jit_compile
    )
    if not tf.executing_eagerly() and not jit_compile:
        return _checked_levels(model, answer(request))
    # XLA compiles for one batch size.
    batch_size = request["temperature"].shape[0] if jit_compile else None
    images = model.run_graph(
        ("sample", sampler), answer, request, batch_size, jit_compile
    )
    return _checked_levels(model, images)


def _checked_levels(model: "AutoregressiveImageModel", images: tf.Tensor) -> tf.Tensor:
    """Refuses images that could not be drawn, not in XLA: it drops all checks."""
    images = checked_outputs(images >= 0, images)
    return tf.cast(images, tf.uint8 if model.num_levels <= 256 else tf.int32)


def sample_images(
    model: "AutoregressiveImageModel",
    request: Mapping[str, tf.Tensor],
    sampler: str | None,
    by_xla: bool = False,
) -> tf.Tensor:
    """Samples images, in eager mode or in a graph.

    Args:
        model: what is sampled.
        request: "temperature" float32 (batch,); "seed" int64 (batch,), or "noise"
            float32 (batch, height, width, channels); if asked for "top_p" and
            "guidance_scale", float32 (batch,), "image" int32 and "mask" bool, both
            (batch, height, width, channels), True where the image is kept; and the
            model's conditions. All checked.
        sampler: one of `SAMPLERS`, or None: "incremental" where the model has steps,
            else "fixed_point".
        by_xla: whether XLA compiles it, which takes one operation after the other. Else
            slices of the batch are sampled by loops of their own.

    Returns:
        int32 tensor (batch, height, width, channels), negative where the network's
        parameters were not finite.

    Raises:
        ValueError: when the incremental sampler is asked for and the model has no
            steps.
    """
    if sampler == "incremental" and not model.has_scan_steps:
        raise ValueError(f'{model.why_no_scan_steps} Use sampler="fixed_point".')
    if sampler is None:
        sampler = "incremental" if model.has_scan_steps else "fixed_point"
    sample = functools.partial(_sample, model, sampler=sampler, by_xla=by_xla)
    if sampler != "fixed_point":
        return sample(request)
    shape = (*model.image_shape[:2], *model.pixel_likelihood.pixel_shape)
    passes = 2 if "guidance_scale" in request else 1
    return _in_pieces(
        model, sample, request, _MOST_PARAMETERS // math.prod((*shape, passes))
    )


def _in_pieces(
    model: "AutoregressiveImageModel",
    sample: Callable[[Mapping[str, tf.Tensor]], tf.Tensor],
    request: Mapping[str, tf.Tensor],
    most: int,
) -> tf.Tensor:
    """Samples a large batch as parts of at most `most` images, one after the other."""
    size, most = sizes_of(request["temperature"])[0], max(most, 1)
    if isinstance(size, int) and size <= most:
        return sample(request)
    piece = tf.clip_by_value(size, 1, most)
    count = -(-size // piece)
    examples = tf.minimum(tf.range(count * piece), size - 1)
    pieces = {}
    for name, value in request.items():
        shape = tf.concat([[count, piece], tf.shape(value)[1:]], axis=0)
        pieces[name] = tf.reshape(tf.gather(value, examples), shape)
        pieces[name].set_shape([None, None, *value.shape[1:]])
    signature = tf.TensorSpec(None, tf.int32)
    images = tf.map_fn(sample, pieces, fn_output_signature=signature)
    return tf.reshape(images, [-1, *model.image_shape])[:size]


def _sample(
    model: "AutoregressiveImageModel",
    request: Mapping[str, tf.Tensor],
    sampler: str,
    by_xla: bool,
) -> tf.Tensor:
    by_steps = sampler == "incremental"
    # Some kernels refuse an empty batch; and loops ask that shapes known before them
    # stay known inside.
    padded = {name: at_least_one(value) for name, value in request.items()}
    if "seed" in padded:
        padded["noise"] = example_uniforms(padded.pop("seed"), model.image_shape)
    size = sizes_of(padded["temperature"])[0]
    slices = BatchSlices(size, 1 if by_xla or not by_steps else most_slices())
    arranged = {name: slices.arrange(value) for name, value in padded.items()}
    conditions = {name: arranged[name] for name in request if name not in REQUEST}
    draw = _RequestDraw(model, arranged, by_xla)
    known = None
    if "mask" in arranged:
        known = KnownPixels(arranged["image"], arranged["mask"])
    if draw.is_guided:
        conditions = _with_unconditional(conditions)
        known = known and KnownPixels(*(tf.concat([x, x], axis=1) for x in known))
    with for_xla(by_xla):
        images = _scan(
            model,
            draw,
            {name: _flat(value) for name, value in conditions.items()},
            slices.of_pairs() if draw.is_guided else slices,
            known and KnownPixels(*map(_flat, known)),
            sampler,
        )
    images = slices.restore(images[:, : slices.size])
    return images[: sizes_of(request["temperature"])[0]]


def scan_batch(
    model: "AutoregressiveImageModel",
    draw: Draw,
    conditions: Mapping[str, tf.Tensor],
    slices: BatchSlices,
) -> tf.Tensor:
    """Lets `draw` choose the values of a batch; see `AutoregressiveImageModel.scan`."""
    arranged = {name: _flat(slices.arrange(v)) for name, v in conditions.items()}
    sampler = "incremental" if model.has_scan_steps else "ancestral"
    images = _scan(model, draw, arranged, slices, None, sampler)
    return slices.restore(images)


def _flat(arranged: tf.Tensor) -> tf.Tensor:
    """Reshapes (slices, examples, ...) to (slices x examples, ...)."""
    slices, examples = arranged.shape[:2]
    is_known = slices is not None and examples is not None
    return tf.reshape(
        arranged, [slices * examples if is_known else -1, *arranged.shape[2:]]
    )


class _RequestDraw:
    """Chooses the values of a request's images; its tensors are (slices, examples)."""

    def __init__(
        self,
        model: "AutoregressiveImageModel",
        request: Mapping[str, tf.Tensor],
        by_xla: bool,
    ) -> None:
        self._likelihood = model.pixel_likelihood
        self._by_xla = by_xla
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
            values = self._values(parameters, scale, chance)
            if known is not None:
                image, mask = (values[column, channel] for values in known)
                values = tf.where(mask, image, values)
            return values if scale is None else tf.concat([values, values], axis=0)

        return draw

    def in_all_pixels(self, channel: int, parameters: tf.Tensor) -> tf.Tensor:
        """Draws a channel in all pixels, the batch in one slice; see `ImageDraw`."""
        height, width, size = parameters.shape[1:]
        noise = tf.transpose(self._noise[0, :, :, channel], [2, 0, 1])
        pixels = height * width

        def each_pixel(per_example: tf.Tensor | None) -> tf.Tensor | None:
            return None if per_example is None else tf.repeat(per_example[0], pixels)

        chance = (
            tf.reshape(noise, [-1]),
            each_pixel(self._temperature),
            each_pixel(self._top_p),
        )
        scale = each_pixel(self._guidance_scale)
        values = self._values(tf.reshape(parameters, [-1, size]), scale, chance)
        values = tf.reshape(values, [-1, height, width])
        return tf.concat([values, values], axis=0) if self.is_guided else values

    def _values(
        self, parameters: tf.Tensor, scale: tf.Tensor | None, chance: tuple[Any, ...]
    ) -> tf.Tensor:
        """Draws values; with a scale of pairs, guided by their second halves."""
        parameters = self._with_nan_throughout(parameters)
        if scale is None:
            return self._likelihood.sample(parameters, *chance)
        conditional, unconditional = tf.split(parameters, 2)
        return self._likelihood.sample_guided(
            conditional, unconditional, scale, *chance
        )

    def _with_nan_throughout(self, parameters: tf.Tensor) -> tf.Tensor:
        """Lets one NaN spoil its row, as it does without XLA.

        XLA's maximum leaves NaN aside, and a level would be drawn of the others.
        """
        if not self._by_xla:
            return parameters
        total = tf.reduce_sum(parameters, axis=-1, keepdims=True)
        return tf.where(tf.math.is_nan(total), total, parameters)


def _examples_last(values: tf.Tensor) -> tf.Tensor:
    """Transposes (slices, examples, height, width, channels): the examples last.

    A step then reads neighbouring values.
    """
    return tf.transpose(values, [0, 2, 3, 4, 1])


def _scan(
    model: "AutoregressiveImageModel",
    draw: "Draw | _RequestDraw",
    conditions: dict[str, tf.Tensor],
    slices: BatchSlices,
    known: KnownPixels | None,
    sampler: str,
) -> tf.Tensor:
    if sampler == "incremental":
        return model.scan_by_steps(draw, conditions, slices, known)

    def whole(images: tf.Tensor) -> tf.Tensor:
        return model({"image": images, **conditions}, training=False)

    channel_parameters = model.pixel_likelihood.channel_parameters
    if isinstance(draw, _RequestDraw) and sampler == "fixed_point":
        shape, size = model.image_shape, slices.size
        found = fixed_point_scan(
            whole, channel_parameters, draw.in_all_pixels, shape, size, known
        )
        return found.images[tf.newaxis]
    images = ancestral_scan(
        whole,
        channel_parameters,
        draw,
        model.image_shape,
        slices.size,
        known,
        channels_at_once=model.pixel_likelihood.color_groups == 1,
        passes=model.scan_passes,
    )
    return images[tf.newaxis]


def _with_unconditional(conditions: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Repeats the examples of each slice without their conditions."""
    twice = {
        name: tf.concat([value, value], axis=1) for name, value in conditions.items()
    }
    present = conditions[HAS_CONDITION]
    return {
        **twice,
        HAS_CONDITION: tf.concat([present, tf.zeros_like(present)], axis=1),
    }
