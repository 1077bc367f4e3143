"""Conditions: what a model is told about an image before it draws or scores it."""

import numbers
from collections.abc import Mapping
from typing import Any, NoReturn

import keras
import numpy as np
import tensorflow as tf

HAS_CONDITION = "has_condition"
"""The input that tells examples without a condition from others, where there may be."""


class Conditions:
    """Which conditions a model takes, and the one rule for what they may be.

    Args:
        num_classes: number of labels. Default: the model takes none.
        embedding_dim: length of an embedding vector. Default: the model takes none.
        spatial_shape: (height, width, channels) of a map. Default: the model takes
            none.
        dropout_rate: share of the training examples whose condition is dropped, in
            [0, 1). Above 0 the conditions may be left out. Default 0.

    Attributes:
        shapes: shape of one example's value, by the condition's name.
        optional: whether the model can do without its conditions.

    Raises:
        ValueError: when an argument is out of its range.
    """

    def __init__(
        self,
        num_classes: int | None = None,
        embedding_dim: int | None = None,
        spatial_shape: tuple[int, int, int] | None = None,
        dropout_rate: float = 0.0,
    ) -> None:
        self.shapes: dict[str, tuple[int, ...]] = {}
        if num_classes is not None:
            _check_size("num_classes", num_classes)
            self.shapes["label"] = ()
        if embedding_dim is not None:
            _check_size("embedding_dim", embedding_dim)
            self.shapes["embedding"] = (int(embedding_dim),)
        if spatial_shape is not None:
            self.shapes["spatial"] = _checked_map_shape(spatial_shape)
        self._check_dropout(dropout_rate)
        self.num_classes = num_classes
        self.optional = dropout_rate > 0

    def _check_dropout(self, dropout_rate: float) -> None:
        if not 0 <= dropout_rate < 1:
            raise ValueError(
                "condition_dropout must be in [0, 1): the share of examples that are "
                "trained without their condition. "
                f"Received: condition_dropout={dropout_rate!r}"
            )
        if dropout_rate and not self.shapes:
            raise ValueError(
                "condition_dropout drops conditions, and the model has none. Pass "
                "num_classes, embedding_dim or spatial_shape too. "
                f"Received: condition_dropout={dropout_rate!r}"
            )

    @property
    def names(self) -> list[str]:
        """Names of the conditions, in a fixed order."""
        return list(self.shapes)

    def tensor_specs(self) -> dict[str, tf.TensorSpec]:
        """What a batch of each condition is: int32 labels, float32 others."""
        return {
            name: tf.TensorSpec([None, *shape], _dtype(name), name=name)
            for name, shape in self.shapes.items()
        }

    def keras_inputs(self) -> dict[str, keras.KerasTensor]:
        """Inputs of a functional model, by name."""
        inputs = {
            name: keras.Input(shape, dtype=_dtype(name).name, name=name)
            for name, shape in self.shapes.items()
        }
        if self.optional:
            inputs[HAS_CONDITION] = keras.Input((), dtype="bool", name=HAS_CONDITION)
        return inputs

    def select(self, features: Mapping[str, Any], num_examples: Any) -> dict[str, Any]:
        """The model's inputs of a batch; values are not looked at.

        Args:
            features: the conditions by name; others are left aside.
            num_examples: size of the batch.

        Raises:
            ValueError: when conditions are missing that the model cannot do without.
        """
        given = {name: features.get(name) for name in self.shapes}
        if self._are_left_out(given):
            return self._absent(num_examples)
        if self.optional and HAS_CONDITION in features:
            given[HAS_CONDITION] = features[HAS_CONDITION]
        elif self.optional:
            given[HAS_CONDITION] = keras.ops.ones((num_examples,), "bool")
        return given

    def prepare(
        self, given: Mapping[str, Any], num_examples: tf.Tensor | int
    ) -> dict[str, tf.Tensor]:
        """Checks what a user passed, and gives every example its own.

        Args:
            given: conditions by name, one for all examples or one each; None where
                left out.
            num_examples: number of examples n.

        Returns:
            The model's inputs: tensors that lead with n.

        Raises:
            ValueError: when a condition is missing, unknown or not as the model takes
                it. In graphs, where values are not known yet, running them raises
                `InvalidArgumentError` with the same sentence.
        """
        self.check_names(given)
        given = {name: given.get(name) for name in self.shapes}
        if self._are_left_out(given):
            return self._absent(num_examples)
        inputs = {}
        for name, shape in self.shapes.items():
            value = self.check_value(name, given[name])
            _check_count(name, value.shape, shape, num_examples)
            inputs[name] = tf.broadcast_to(value, [num_examples, *shape])
        if self.optional:
            inputs[HAS_CONDITION] = tf.ones([num_examples], tf.bool)
        return inputs

    def num_examples(self, given: Mapping[str, Any]) -> Any:
        """How many examples the conditions are for, None if one stands for all."""
        for name, shape in self.shapes.items():
            value = given.get(name)
            if value is not None and len(np.shape(value)) > len(shape):
                return value.shape[0] if tf.is_tensor(value) else len(value)
        return None

    def check_names(self, given: Mapping[str, Any]) -> None:
        """Checks that no condition is given that the model does not take.

        Raises:
            ValueError: when there is one.
        """
        unknown = [
            name
            for name, value in given.items()
            if value is not None and name not in self.shapes
        ]
        if unknown:
            takes = f"the conditions {self.names}" if self.shapes else "no conditions"
            raise ValueError(f"The model takes {takes}. Received: {unknown}")

    def check_complete(self, given: Mapping[str, Any]) -> None:
        """Checks that no condition is missing that the model cannot do without.

        Raises:
            ValueError: when one is.
        """
        self._are_left_out(given)

    def check_value(self, name: str, value: Any) -> tf.Tensor:
        """Checks the type, the shape of an example and the values of one condition.

        Args:
            name: one of `names`.
            value: (..., *shape), any number of leading axes.

        Returns:
            The tensor, int32 labels or float32 others.

        Raises:
            ValueError: as `prepare` does.
        """
        checked = self.check_known(name, value)
        if tf.get_static_value(checked) is not None:
            return checked
        rule, possible = self._rule(name), self._possible(name, checked)
        flat = tf.reshape(checked, [-1])
        wrong = tf.boolean_mask(flat, ~tf.reshape(possible, [-1]))[:1]
        check = tf.debugging.Assert(tf.reduce_all(possible), [rule, "Received:", wrong])
        with tf.control_dependencies([check]):
            return tf.identity(checked)

    def check_known(self, name: str, value: Any) -> tf.Tensor:
        """As `check_value`, but in graphs leaves values alone that are not known yet.

        Raises:
            ValueError: as `prepare` does.
        """
        value = self._check_type(name, value)
        self._check_shape(name, value)
        known = tf.get_static_value(value)
        if known is not None:
            possible = np.asarray(self._possible(name, known))
            if not possible.all():
                wrong = np.asarray(known)[~possible].flat[0]
                raise ValueError(f"{self._rule(name)} Received: {wrong}")
        return value

    def _check_type(self, name: str, value: Any) -> tf.Tensor:
        dtype = _dtype(name)
        if not tf.is_tensor(value):
            value = np.asarray(value)
            if value.dtype.kind not in ("iu" if name == "label" else "fiu"):
                self._refuse_type(name, value.dtype)
            if name == "label":
                # Clipped, so that no label out of range is made one in range.
                value = np.clip(value, None, dtype.max).astype(np.int64)
                value = np.clip(value, dtype.min, None)
            with np.errstate(over="ignore"):  # what overflows is refused as infinite
                return tf.constant(value.astype(dtype.as_numpy_dtype))
        is_number = value.dtype.is_integer or value.dtype.is_floating
        if not is_number or (name == "label" and not value.dtype.is_integer):
            self._refuse_type(name, value.dtype.name)
        if name == "label" and value.dtype.size > dtype.size:
            least = max(dtype.min, value.dtype.min)
            value = tf.clip_by_value(value, least, dtype.max)
        return tf.cast(value, dtype)

    def _refuse_type(self, name: str, dtype: Any) -> NoReturn:
        raise ValueError(f"{self._rule(name)} Received: values of type {dtype}")

    def _check_shape(self, name: str, value: tf.Tensor) -> None:
        shape = self.shapes[name]
        own = value.shape[value.shape.rank - len(shape) :]
        if value.shape.rank < len(shape) or not own.is_compatible_with(shape):
            raise ValueError(
                f"{name} must have the shape {shape}, or (batch, "
                f"{', '.join(map(str, shape))}), as the model was made for. "
                f"Received: {name} of shape {tuple(value.shape)}"
            )

    def _possible(self, name: str, value: tf.Tensor) -> tf.Tensor:
        if name != "label":
            is_finite = tf.math.is_finite if tf.is_tensor(value) else np.isfinite
            return is_finite(value)
        least = -1 if self.optional else 0
        return (value >= least) & (value < self.num_classes)

    def _rule(self, name: str) -> str:
        if name != "label":
            return f"{name} must hold finite numbers."
        none = ", or -1 for none" if self.optional else ""
        return f"label must hold integers in [0, {self.num_classes}){none}."

    def _are_left_out(self, given: Mapping[str, Any]) -> bool:
        """Whether no condition is given, which not every model can do without."""
        missing = [name for name in self.shapes if given.get(name) is None]
        if missing and self.optional and len(missing) == len(self.shapes):
            return True
        if missing:
            hint = (
                "Leave out all of them for the unconditional model, or none."
                if self.optional
                else "Only a model trained with condition_dropout above 0 can do "
                "without."
            )
            raise ValueError(
                f"The model needs the conditions {self.names}. Missing: {missing}. "
                f"{hint}"
            )
        return False

    def _absent(self, num_examples: Any) -> dict[str, Any]:
        blank = {
            name: keras.ops.zeros((num_examples, *shape), _dtype(name).name)
            for name, shape in self.shapes.items()
        }
        return {**blank, HAS_CONDITION: keras.ops.zeros((num_examples,), "bool")}


def _dtype(name: str) -> tf.DType:
    return tf.int32 if name == "label" else tf.float32


def _check_size(name: str, size: Any) -> None:
    if not isinstance(size, numbers.Integral) or size < 1:
        raise ValueError(
            f"{name} must be an integer of at least 1, or None. "
            f"Received: {name}={size!r}"
        )


def _checked_map_shape(shape: Any) -> tuple[int, int, int]:
    sizes = tuple(shape)
    integers = all(isinstance(size, numbers.Integral) for size in sizes)
    if len(sizes) != 3 or not integers or min(sizes) < 1:
        raise ValueError(
            "spatial_shape must be (height, width, channels), three integers of at "
            f"least 1, or None. Received: spatial_shape={shape!r}"
        )
    return tuple(int(size) for size in sizes)


def _check_count(
    name: str, shape: tf.TensorShape, own: tuple[int, ...], num_examples: Any
) -> None:
    leading = shape[: shape.rank - len(own)]
    count = tf.get_static_value(num_examples)
    if leading.rank == 0 or (leading.rank == 1 and None in (count, leading[0])):
        return
    if tuple(leading) != (count,):
        raise ValueError(
            f"{name} must be one for all images, of shape {own}, or one for each of "
            f"the {count} images. Received: {name} of shape {tuple(shape)}"
        )
