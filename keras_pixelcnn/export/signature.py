"""The signature of a SavedModel, and the checks that all share."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

if TYPE_CHECKING:
    from keras_pixelcnn.models import ImageModel

Tensors = dict[str, tf.Tensor]


class Signature(NamedTuple):
    """A function of tensors by name to a flat dict of tensors, and what it takes."""

    function: Callable[..., Tensors]
    inputs: list[tf.TensorSpec]


def make_signature(
    function: Callable[[Tensors], Tensors], specs: Mapping[str, tf.TensorSpec]
) -> Signature:
    """Makes a signature that checks its inputs: shapes, rows, as many for each.

    Args:
        function: of the inputs by name; checks their values itself.
        specs: the inputs by name, which all lead with the batch.
    """
    named = [
        tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in specs.items()
    ]

    def with_checks(*values: tf.Tensor) -> Tensors:
        # Servers compare types only.
        inputs = {
            spec.name: tf.ensure_shape(value, spec.shape)
            for spec, value in zip(named, values, strict=True)
        }
        with tf.control_dependencies([_check_batch(inputs)]):
            return function({name: tf.identity(x) for name, x in inputs.items()})

    return Signature(with_checks, named)


def _check_batch(inputs: Tensors) -> tf.Operation:
    """Answers when the inputs have no rows, or not equally many."""
    sizes = tf.stack([tf.shape(value)[0] for value in inputs.values()])
    same = tf.reduce_all(tf.equal(sizes, sizes[0])) & (sizes[0] > 0)
    rule = f"{' and '.join(inputs)} must have at least one row"
    rule += ", and equally many." if len(inputs) > 1 else "."
    return tf.debugging.Assert(same, [rule, "Received:", sizes], summarize=len(inputs))


def condition_specs(model: "ImageModel", without: tuple[str, ...] = ()) -> Tensors:
    """Returns the specs of the conditions that a model is given, by name.

    Args:
        model: an `AutoregressiveImageModel`.
        without: names of those that a signature finds itself.
    """
    conditions = model.conditions
    # Labels say themselves that there is none.
    specs = conditions.tensor_specs(with_presence="label" not in conditions.shapes)
    return {name: spec for name, spec in specs.items() if name not in without}


def batch_of(*shape: int, dtype: tf.DType) -> tf.TensorSpec:
    """Returns the spec of any number of rows of a shape."""
    return tf.TensorSpec([None, *shape], dtype)
