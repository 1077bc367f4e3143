"""From the arguments of the verbs that draw to the request that a graph answers."""

import functools
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from keras_pixelcnn.models.base import request_validation
from keras_pixelcnn.models.base.drawing import SAMPLERS, draw_images
from keras_pixelcnn.models.base.features import feature_specs

OPTIONS = ("top_p", "guidance_scale", "sampler", "jit_compile")
"""What every verb that draws takes beside its temperature and conditions."""


def split_options(
    options: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Keyword arguments of a verb as those of `OPTIONS` and the conditions."""
    chosen = {name: options[name] for name in OPTIONS if name in options}
    return chosen, {name: options[name] for name in options if name not in OPTIONS}


def draw(
    model: Any,
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
    """Checks what is left to check, and draws: compiled, or as part of a graph.

    Args:
        model: an `AutoregressiveImageModel`.
        num_images: how many.
        conditions: by name, as passed.
        request: the parts that are prepared: "seed" or "noise", or also "image" and
            "mask"; see `draw_images`.
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
        request_validation.check_can_be_guided(model)
        request["guidance_scale"] = request_validation.prepare_guidance_scale(
            guidance_scale, num_images
        )
    if sampler not in (None, *SAMPLERS):
        raise ValueError(
            f"sampler must be one of {SAMPLERS}. Received: sampler={sampler!r}"
        )
    # XLA takes one operation after the other: slices of the batch gain nothing.
    answer = functools.partial(
        draw_images, model, sampler=sampler, side_by_side=not jit_compile
    )
    if not tf.executing_eagerly() and not jit_compile:
        return answer(request)
    # XLA compiles for one batch size.
    batch_size = request["temperature"].shape[0] if jit_compile else None
    return model.compiled_graph(
        (sampler, jit_compile, batch_size, *request),
        answer,
        feature_specs(model, list(request), batch_size),
        jit_compile=jit_compile,
    )(request)
