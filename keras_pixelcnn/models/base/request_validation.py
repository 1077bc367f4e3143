"""Checks of the arguments of verbs, which become what their graphs take."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from keras_pixelcnn.checks import (
    as_array_or_none,
    check_integer,
    checked,
    one_each,
    sizes_of,
)
from keras_pixelcnn.models.base.caption_text import is_text
from keras_pixelcnn.models.base.conditions import Conditions
from keras_pixelcnn.samplers import example_seeds, random_call_seed

INT64 = np.iinfo(np.int64)

_SEED_RULE = "seed must be an integer (or one per example) from -2**63 to 2**63 - 1."


def prepare_seeds(seed: Any, num_samples: tf.Tensor | int) -> tf.Tensor:
    """Returns one seed for each example.

    Args:
        seed: an integer for the whole call, folded with each example's index; one
            integer per example, (num_samples,); or None: another one at each call,
            which follows `tf.random.set_seed`; see `random_call_seed`. In a graph
            TensorFlow's stateful generator gives it anew at each run.
        num_samples: number of examples.

    Returns:
        int64 tensor (num_samples,).

    Raises:
        ValueError: when the seeds are not integers, are out of the range of int64, or
            are not as many as the examples.
    """
    if seed is None:
        if tf.executing_eagerly():
            seed = random_call_seed()
        else:
            seed = tf.random.uniform([], maxval=INT64.max, dtype=tf.int64)
    seed = _known(seed)
    if not tf.is_tensor(seed):
        values = as_array_or_none(seed)
        possible = values is not None and values.dtype.kind in "iu"
        if not possible or np.any(values > INT64.max):
            raise ValueError(f"{_SEED_RULE} Received: seed={seed!r}")
        seed = values.astype(np.int64)
    elif not seed.dtype.is_integer:
        raise ValueError(f"{_SEED_RULE} Received: values of type {seed.dtype.name}")
    elif seed.dtype == tf.uint64:
        seed = checked(seed <= np.uint64(INT64.max), seed, _SEED_RULE)
    seed = tf.cast(seed, tf.int64)
    if seed.shape.rank == 0:
        return example_seeds(seed, num_samples)
    _check_one_per_example("seed", seed, num_samples)
    return one_each("seed", seed, (), num_samples)


def num_seeds(seed: Any) -> Any:
    """Counts the seeds; None if there is one for the call, or none."""
    if seed is None or len(np.shape(seed)) != 1:
        return None
    return sizes_of(seed)[0] if tf.is_tensor(seed) else len(seed)


def _check_one_per_example(
    name: str, value: tf.Tensor, num_samples: tf.Tensor | int
) -> None:
    count, size = tf.get_static_value(num_samples), value.shape[:1]
    differs = None not in (count, *size) and tuple(size) != (count,)
    if value.shape.rank != 1 or differs:
        raise ValueError(
            f"{name} must be one number, or one per example of shape ({count},). "
            f"Received: {name} of shape {tuple(value.shape)}"
        )


def _known(value: Any) -> Any:
    """Returns the value of a tensor where it is known, so that it can be checked."""
    static = tf.get_static_value(value) if tf.is_tensor(value) else value
    return value if static is None else static


def prepare_noise(noise: Any, image_shape: tuple[int, int, int]) -> tf.Tensor:
    """Checks the uniform noise that images are sampled with.

    Args:
        noise: numbers in [0, 1), (batch, height, width, channels).
        image_shape: (height, width, channels) of the model.

    Returns:
        float32 tensor of that shape.

    Raises:
        ValueError: when the shape or a number is another; in graphs running them raises
            `InvalidArgumentError`.
    """
    rule = "noise must hold numbers of at least 0 and below 1."
    noise = _known(noise)
    if not tf.is_tensor(noise):
        values = _as_floats(noise)
        possible = (values >= 0) & (values < 1)
        if not possible.all():
            raise ValueError(f"{rule} Received: {values[~possible].flat[0]}")
        noise = tf.constant(values)
    noise = _as_float_tensor(noise, rule)
    if not noise.shape.is_compatible_with([None, *image_shape]):
        sizes = ", ".join(map(str, image_shape))
        raise ValueError(
            f"noise must have the shape (batch, {sizes}). "
            f"Received: noise of shape {tuple(noise.shape)}"
        )
    if tf.get_static_value(noise) is not None:
        return noise
    return checked((noise >= 0) & (noise < 1), noise, rule)


def prepare_temperature(temperature: Any, num_samples: tf.Tensor | int) -> tf.Tensor:
    """Returns one temperature for each example.

    Args:
        temperature: a number above 0, or one per example, (num_samples,).
        num_samples: number of examples.

    Returns:
        float32 tensor (num_samples,).

    Raises:
        ValueError: when a temperature is not a positive number, or they are not as
            many as the examples.
    """
    # Numbers below the least normal one are zeros in graphs, and so for a server.
    least = np.finfo(np.float32).tiny
    rule = (
        "temperature must be a finite number above 0 (1 draws from the model itself, "
        f"less draws closer to its modes), at least {least:.2g}."
    )
    return _prepare_numbers(
        "temperature", temperature, num_samples, rule, lambda values: values >= least
    )


def prepare_top_p(top_p: Any, num_samples: tf.Tensor | int) -> tf.Tensor:
    """Returns one probability in (0, 1] for each example; see `prepare_temperature`."""
    rule = "top_p must be a number above 0 and at most 1 (1 draws from all levels)."
    return _prepare_numbers(
        "top_p", top_p, num_samples, rule, lambda values: (values > 0) & (values <= 1)
    )


def prepare_guidance_scale(scale: Any, num_samples: tf.Tensor | int) -> tf.Tensor:
    """Returns one finite scale for each example; see `prepare_temperature`."""
    rule = "guidance_scale must be a finite number (1 is the conditional model)."
    return _prepare_numbers(
        "guidance_scale", scale, num_samples, rule, lambda values: values == values
    )


def _prepare_numbers(
    name: str,
    value: Any,
    num_samples: tf.Tensor | int,
    rule: str,
    possible: Callable[[Any], Any],
) -> tf.Tensor:
    value = _known(value)
    if not tf.is_tensor(value):
        values = _as_floats(value)
        if not np.all(np.isfinite(values) & possible(values)):
            raise ValueError(f"{rule} Received: {name}={value!r}")
        value = tf.constant(values)
    else:
        value = _as_float_tensor(value, rule)
        value = checked((abs(value) < np.inf) & possible(value), value, rule)
    if value.shape.rank != 0:
        _check_one_per_example(name, value, num_samples)
    return one_each(name, value, (), num_samples)


def _as_floats(value: Any) -> np.ndarray:
    """Returns an array of numbers, NaN where there are none."""
    values = as_array_or_none(value)
    if values is None or values.dtype.kind not in "buifO":  # NumPy would read texts
        return np.asarray(np.nan, "float32")
    try:
        with np.errstate(over="ignore"):  # which makes infinity
            return values.astype("float32")
    except (TypeError, ValueError):
        return np.asarray(np.nan, "float32")


def _as_float_tensor(value: tf.Tensor, rule: str) -> tf.Tensor:
    """Returns float32, of numbers of any other type.

    Raises:
        ValueError: when they are no numbers.
    """
    dtype = value.dtype
    if not (dtype.is_floating or dtype.is_integer or dtype.is_bool):
        raise ValueError(f"{rule} Received: values of type {dtype.name}")
    return tf.cast(value, tf.float32)


def check_has_condition(conditions: Conditions, name: str) -> int | None:
    """Checks that a model takes a condition; returns its number of classes.

    Raises:
        ValueError: when it does not.
    """
    if name not in conditions.shapes:
        argument = {"label": "num_classes", "embedding": "embedding_dim"}[name]
        raise ValueError(
            f"The model takes no {name}. It must have been made with {argument}."
        )
    return conditions.num_classes


def prepare_log_prior(prior: Any, num_classes: int) -> tf.Tensor:
    """Returns log p(y), up to a constant: float32 (num_classes,).

    Raises:
        ValueError: when the prior is not one number for each class, not negative and
            not all zero.
    """
    if prior is None:
        return tf.zeros([num_classes], tf.float32)
    prior = _known(prior)
    if not tf.is_tensor(prior):
        values = _as_floats(prior)
        fits = values.shape == (num_classes,) and np.all(np.isfinite(values))
        if not fits or values.min() < 0 or values.sum() <= 0:
            raise ValueError(
                f"prior must be {num_classes} finite numbers, one for each class, not "
                f"negative and not all zero. Received: prior={prior!r}"
            )
        prior = values
    return tf.math.log(tf.cast(prior, tf.float32))


def prepare_mask(
    mask: Any, num_images: tf.Tensor | int, image_shape: tuple[int, int, int]
) -> Any:
    """Returns a mask that broadcasts to the images, True where they are known.

    Args:
        mask: booleans, or numbers 0 and 1: ([batch,] height, width[, channels]). Three
            axes of sizes that the graph does not know are (batch, height, width).
        num_images: how many images it is for.
        image_shape: (height, width, channels) of the model.

    Returns:
        Booleans ([batch,] height, width, channels or 1): an array where the mask is
        known, else a tensor.

    Raises:
        ValueError: when the mask has another shape, or other values; in graphs of
            masks of an unknown shape running them raises `InvalidArgumentError`.
    """
    mask = _known(mask)
    rule = (
        "mask must hold True where the image is known and False where it is to be "
        "drawn, or 1 and 0."
    )
    if tf.is_tensor(mask):
        mask = _as_booleans(mask, rule)
    else:
        values = as_array_or_none(mask)
        if values is None or values.dtype.kind not in "buif":
            raise ValueError(f"{rule} Received: {mask!r}")
        if not np.isin(values, (0, 1)).all():
            raise ValueError(f"{rule} Received: values {np.unique(values)[:5]}")
        mask = values.astype(bool)
    own, count = tf.TensorShape(mask.shape), tf.get_static_value(num_images)
    height_width, batch = image_shape[:2], tf.TensorShape([count])
    pixels = f"{image_shape[0]}, {image_shape[1]}"
    rule = (
        f"mask must have the shape ({pixels}) for all images or "
        f"({'batch' if count is None else count}, {pixels}) for each; with "
        f"{image_shape[2]} at the end where it is of channels and not of pixels."
    )
    for sizes in (height_width, image_shape):
        for leading in (tf.TensorShape([]), batch):
            wanted = leading.concatenate(sizes)
            if own.rank is None or not own.is_compatible_with(wanted):
                continue
            if not own.is_fully_defined():  # and may be another, as it seems
                here = [*([num_images] if leading.rank else []), *sizes]
                check = tf.debugging.Assert(
                    tf.reduce_all(tf.equal(tf.shape(mask), here)),
                    [rule, "Received shape:", tf.shape(mask)],
                )
                with tf.control_dependencies([check]):
                    mask = tf.identity(mask)
            return mask[..., None] if sizes is height_width else mask
    raise ValueError(f"{rule} Received: mask of shape {own}")


def _as_booleans(mask: tf.Tensor, rule: str) -> tf.Tensor:
    if mask.dtype == tf.bool:
        return mask
    if not (mask.dtype.is_integer or mask.dtype.is_floating):
        raise ValueError(f"{rule} Received: values of type {mask.dtype.name}")
    is_known = tf.equal(mask, tf.cast(1, mask.dtype))
    possible = is_known | tf.equal(mask, tf.cast(0, mask.dtype))
    check = tf.debugging.Assert(tf.reduce_all(possible), [rule])
    with tf.control_dependencies([check]):
        return tf.identity(is_known)


def repeat_each(value: Any, shape: tuple[int, ...] | None, repeats: int) -> Any:
    """Repeats what is one for each example; leaves what is one for all.

    Args:
        value: anything.
        shape: shape of one example's value, where it is no text. None: a number.
        repeats: how often each example stands in a row.
    """
    if value is None or isinstance(value, str):
        return value
    are_texts = is_text(value)
    if len(np.shape(value)) <= (0 if are_texts else len(shape or ())):
        return value
    if are_texts and not tf.is_tensor(value):  # names of labels are no tensors
        return np.repeat(value, repeats, axis=0)
    return tf.repeat(tf.convert_to_tensor(value), repeats, axis=0)


def prepare_num_samples(num_samples: Any) -> tf.Tensor | int:
    """Checks a number of samples, at least 0 where it is known; None stands for 1.

    Raises:
        ValueError: when it is no integer or negative.
    """
    num_samples = 1 if num_samples is None else _known(num_samples)
    if tf.is_tensor(num_samples):
        return num_samples
    return check_integer("num_samples", num_samples, 0)
