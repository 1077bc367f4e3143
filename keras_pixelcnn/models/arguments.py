"""From what a user passes to what the graph takes, or an error that says what to do."""

import random
from typing import Any

import numpy as np
import tensorflow as tf

from keras_pixelcnn.samplers import example_seeds

INT64 = np.iinfo(np.int64)


def prepare_seeds(seed: Any, num_samples: tf.Tensor | int) -> tf.Tensor:
    """One seed for each example.

    Args:
        seed: an integer for the whole call, folded with each example's index; one
            integer per example, (num_samples,); or None, which draws the call's seed
            from Python's `random` (so that `keras.utils.set_random_seed` governs it),
            and in a graph from TensorFlow's stateful one (anew at each run).
        num_samples: number of examples.

    Returns:
        int64 tensor (num_samples,).

    Raises:
        ValueError: when the seeds are not integers, are out of the range of int64, or
            are not as many as the examples.
    """
    if seed is None:
        if tf.executing_eagerly():
            seed = random.randrange(INT64.max)
        else:
            seed = tf.random.uniform([], maxval=INT64.max, dtype=tf.int64)
    seed = _known(seed)
    if not tf.is_tensor(seed):
        seed = _check_seeds(seed)
    seed = tf.cast(seed, tf.int64)
    if seed.shape.rank == 0:
        return example_seeds(seed, num_samples)
    _check_one_per_example("seed", seed, num_samples)
    return seed


def _check_seeds(seed: Any) -> np.ndarray:
    values = np.asarray(seed)
    if values.dtype.kind not in "iu" or np.any(values > INT64.max):
        raise ValueError(
            "seed must be an integer (or one per example) from -2**63 to 2**63 - 1. "
            f"Received: seed={seed!r}"
        )
    return values.astype(np.int64)


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
    """The value of a tensor where it is known, so that it can be checked."""
    static = tf.get_static_value(value) if tf.is_tensor(value) else value
    return value if static is None else static


def prepare_temperature(temperature: Any, num_samples: tf.Tensor | int) -> tf.Tensor:
    """One temperature for each example.

    Args:
        temperature: a number above 0, or one per example, (num_samples,).
        num_samples: number of examples.

    Returns:
        float32 tensor (num_samples,).

    Raises:
        ValueError: when a temperature is not a positive number, or they are not as
            many as the examples.
    """
    temperature = _known(temperature)
    if not tf.is_tensor(temperature):
        values = np.asarray(temperature, "float32")
        if not np.all(np.isfinite(values) & (values > 0)):
            raise ValueError(
                "temperature must be a finite number above 0 (1 draws from the model "
                "itself, less draws closer to its modes). "
                f"Received: temperature={temperature!r}"
            )
        temperature = values
    temperature = tf.cast(temperature, tf.float32)
    if temperature.shape.rank != 0:
        _check_one_per_example("temperature", temperature, num_samples)
    return tf.broadcast_to(temperature, [num_samples])


def prepare_num_samples(num_samples: Any) -> tf.Tensor | int:
    """Checks a number of samples, at least 0 where it is known.

    Raises:
        ValueError: when it is no integer or negative.
    """
    num_samples = _known(num_samples)
    if tf.is_tensor(num_samples):
        return num_samples
    if not isinstance(num_samples, int | np.integer) or num_samples < 0:
        raise ValueError(
            "num_samples must be an integer of at least 0. "
            f"Received: num_samples={num_samples!r}"
        )
    return int(num_samples)


def check_image_shape(image_shape: Any) -> tuple[int, int, int]:
    """Checks that a shape is (height, width, channels), each at least 1.

    Raises:
        ValueError: when it is not.
    """
    shape = tuple(image_shape)
    integers = all(isinstance(size, int | np.integer) for size in shape)
    if len(shape) != 3 or not integers or min(shape) < 1:
        raise ValueError(
            "image_shape must be (height, width, channels), three integers of at "
            f"least 1. Received: image_shape={image_shape!r}"
        )
    return tuple(int(size) for size in shape)
