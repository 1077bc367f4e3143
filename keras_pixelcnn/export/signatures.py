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

    Both also take the model's conditions: label int32 (batch,), embedding float32
    (batch, d), spatial float32 (batch, h', w', c'). A model that can do without these
    takes has_condition int32 (batch,) where there is no label to be -1: 1 for the rows
    that have their condition, 0 for others.

    Args:
        model: an `AutoregressiveImageModel`.
    """
    return {"sample": _sample(model), "log_prob": _log_prob(model)}


def _sample(model: Any) -> Signature:
    def sample(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        seed, temperature = inputs.pop("seed"), inputs.pop("temperature")
        rule = "temperature must be finite numbers above 0."
        possible = (temperature > 0) & tf.math.is_finite(temperature)
        with tf.control_dependencies([_check_values(possible, temperature, rule)]):
            seed, temperature = tf.identity(seed), tf.identity(temperature)
        size = tf.shape(seed)[0]
        return {"image": model.sample(size, seed, temperature, **inputs)}

    seed = tf.TensorSpec([None], tf.int64, name="seed")
    temperature = tf.TensorSpec([None], tf.float32, name="temperature")
    return _signature(model, sample, seed, temperature)


def _log_prob(model: Any) -> Signature:
    def log_prob(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        image = inputs.pop("image")
        possible = (image >= 0) & (image < model.num_levels)
        rule = f"image must hold integers in [0, {model.num_levels})."
        with tf.control_dependencies([_check_values(possible, image, rule)]):
            nats = model.log_prob(tf.identity(image), **inputs)
        return {
            "log_prob": nats,
            "bits_per_dim": bits_per_dim(nats, model.num_dims),
        }

    image = tf.TensorSpec([None, *model.image_shape], tf.int32, name="image")
    return _signature(model, log_prob, image)


def _signature(
    model: Any,
    function: Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]],
    *inputs: tf.TensorSpec,
) -> Signature:
    """A signature that takes the conditions, too, and checks all shapes.

    The values of conditions are checked by the model's own verbs.
    """
    conditions = model.conditions
    # Labels say themselves that there is none.
    given = conditions.tensor_specs(with_presence="label" not in conditions.shapes)
    specs = [*inputs, *given.values()]

    def checked(*values: tf.Tensor) -> dict[str, tf.Tensor]:
        named = {
            spec.name: _check_shape(value)
            for spec, value in zip(specs, values, strict=True)
        }
        with tf.control_dependencies([_check_batch(**named)]):
            named = {name: tf.identity(value) for name, value in named.items()}
        return function(named)

    return Signature(checked, specs)


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
