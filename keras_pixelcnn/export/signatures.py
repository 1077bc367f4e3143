"""The functions that a server runs: checked in the graph, batch first, no Python.

Every input is checked by operations, which answer INVALID_ARGUMENT with a sentence that
names the input, the rule and what came.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from keras_pixelcnn.metrics import bits_per_dim


class Signature(NamedTuple):
    """A function of tensors by name to a flat dict of tensors, and what it takes."""

    function: Callable[..., dict[str, tf.Tensor]]
    inputs: list[tf.TensorSpec]


def signatures(model: Any) -> dict[str, Signature]:
    """The signatures of a model, by name.

    - `sample`: seed int64 (batch,), temperature float32 (batch,) to
      image (batch, height, width, channels), uint8 where the levels fit, else int32.
    - `log_prob`: image int32 (batch, height, width, channels) to
      log_prob float32 (batch,), in nats, and bits_per_dim float32 (batch,).

    Args:
        model: an `AutoregressiveImageModel`.
    """
    return {"sample": _sample(model), "log_prob": _log_prob(model)}


def _sample(model: Any) -> Signature:
    def sample(seed: tf.Tensor, temperature: tf.Tensor) -> dict[str, tf.Tensor]:
        seed, temperature = _check_shape(seed), _check_shape(temperature)
        rule = "temperature must be finite numbers above 0."
        checks = [
            _check_batch(seed=seed, temperature=temperature),
            _check_values(
                (temperature > 0) & tf.math.is_finite(temperature), temperature, rule
            ),
        ]
        with tf.control_dependencies(checks):
            seed, temperature = tf.identity(seed), tf.identity(temperature)
        return {"image": model.sample(tf.shape(seed)[0], seed, temperature)}

    return Signature(
        sample,
        [
            tf.TensorSpec([None], tf.int64, name="seed"),
            tf.TensorSpec([None], tf.float32, name="temperature"),
        ],
    )


def _log_prob(model: Any) -> Signature:
    def log_prob(image: tf.Tensor) -> dict[str, tf.Tensor]:
        image = _check_shape(image)
        possible = (image >= 0) & (image < model.num_levels)
        rule = f"image must hold integers in [0, {model.num_levels})."
        checks = [_check_batch(image=image), _check_values(possible, image, rule)]
        with tf.control_dependencies(checks):
            nats = model.log_prob(tf.identity(image))
        return {
            "log_prob": nats,
            "bits_per_dim": bits_per_dim(nats, model.num_dims),
        }

    image = tf.TensorSpec([None, *model.image_shape], tf.int32, name="image")
    return Signature(log_prob, [image])


def _check_shape(value: tf.Tensor) -> tf.Tensor:
    """Answers when a shape is not the signature's: servers compare types only."""
    return tf.ensure_shape(value, value.shape)


def _check_values(possible: tf.Tensor, values: tf.Tensor, rule: str) -> tf.Operation:
    """Answers with the rule and the first value that breaks it."""
    wrong = tf.boolean_mask(values, ~possible)[:1]
    return tf.debugging.Assert(tf.reduce_all(possible), [rule, "Received:", wrong])


def _check_batch(**inputs: tf.Tensor) -> tf.Operation:
    """Answers when the inputs have no rows, or not equally many."""
    sizes = tf.stack([tf.shape(value)[0] for value in inputs.values()])
    same = tf.reduce_all(tf.equal(sizes, sizes[0])) & (sizes[0] > 0)
    rule = f"{' and '.join(inputs)} must have at least one row"
    rule += ", and equally many." if len(inputs) > 1 else "."
    return tf.debugging.Assert(same, [rule, "Received:", sizes])
