"""Conditions: labels, embeddings, maps and captions that images depend on."""

from collections.abc import Mapping
from typing import Any, NoReturn

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn.checks import (
    as_array_or_none,
    check_image_shape,
    check_integer,
    check_share,
    checked,
    near_name,
    of_known_shape,
    one_each,
    sizes_of,
)
from keras_pixelcnn.layers import ConditionEncoder
from keras_pixelcnn.models.base.caption_text import CaptionText, is_text

HAS_CONDITION = "has_condition"
"""An input of optional models: 1 for the examples that have their condition, else 0."""

_MOST_NAMES_TOLD = 20


class Conditions:
    """The conditions that a model takes, and the checks of their values.

    Args:
        num_classes: number of labels. Default: the model takes none.
        embedding_dim: length of an embedding vector. Default: the model takes none.
        spatial_shape: (height, width, channels) of a map. Default: the model takes
            none.
        dropout_rate: share of the training examples whose condition is dropped, in
            [0, 1). Above 0 the conditions may be left out. Default 0.
        dtype: dtype policy of the model, which bounds the numbers that a condition may
            hold. Default: Keras's global policy.
        vocabulary: words of captions, as `CaptionText` takes them. Default: the model
            takes no captions.
        caption_length: the most words of a caption; goes with `vocabulary`.

    Attributes:
        shapes: shape of one example's value, by the condition's name.
        num_classes: as passed.
        label_names: what the labels are called, as `check_label_names` gives it, so
            that they can be given by their names; None where nobody said.
        caption_text: the words of captions; None where the model takes none.
        dropout_rate: as passed.
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
        dtype: Any = None,
        vocabulary: Any = None,
        caption_length: int | None = None,
    ) -> None:
        self.shapes: dict[str, tuple[int, ...]] = {}
        if num_classes is not None:
            check_integer("num_classes", num_classes)
            self.shapes["label"] = ()
        if embedding_dim is not None:
            check_integer("embedding_dim", embedding_dim)
            self.shapes["embedding"] = (int(embedding_dim),)
        if spatial_shape is not None:
            self.shapes["spatial"] = check_image_shape(spatial_shape, "spatial_shape")
        if (vocabulary is None) != (caption_length is None):
            raise ValueError(
                "vocabulary and caption_length go together: pass both, or neither. "
                f"Received: {vocabulary=}, {caption_length=}"
            )
        self.caption_text = None
        if vocabulary is not None:
            self.caption_text = CaptionText(vocabulary, caption_length)
            self.shapes["caption"] = (self.caption_text.length,)
        trained = "examples that are trained without their condition"
        check_share("condition_dropout", dropout_rate, trained)
        if dropout_rate and not self.shapes:
            raise ValueError(
                "condition_dropout drops conditions, and the model has none. Pass "
                "num_classes, embedding_dim, spatial_shape or vocabulary too. "
                f"Received: condition_dropout={dropout_rate!r}"
            )
        self.num_classes = num_classes
        self.label_names: tuple[str, ...] | None = None
        self.dropout_rate = dropout_rate
        self.optional = dropout_rate > 0
        compute_dtype = keras.dtype_policies.get(dtype).compute_dtype
        largest = float(tf.as_dtype(compute_dtype).max)
        self._largest = min(largest, float(tf.float32.max))

    def check_label_names(self, label_names: Any) -> tuple[str, ...] | None:
        """Checks names of labels, and returns them; None for None.

        Raises:
            ValueError: when they are not different strings, one for each label.
        """
        if label_names is None:
            return None
        is_text = isinstance(label_names, str)
        names = () if is_text else tuple(label_names)
        if is_text or not all(isinstance(name, str) for name in names):
            raise ValueError(
                f"label_names must be a list of strings. Received: {label_names!r}"
            )
        if len(names) != (self.num_classes or 0) or len({*names}) < len(names):
            raise ValueError(
                "label_names must be different, and as many as the model's classes, "
                f"{self.num_classes or 0}. Received: {len(names)}, of which "
                f"{len({*names})} differ"
            )
        return names

    def _numbers_of(self, names: np.ndarray) -> np.ndarray:
        """Returns the labels of these names."""
        known = list(self.label_names or ())
        for name in names.flat:
            if name not in known:
                raise ValueError(
                    f"{self._rule('label')} Received: {str(name)!r}"
                    + near_name(repr(str(name)), map(repr, known))
                )
        numbers_of = [known.index(name) for name in names.flat]
        return np.array(numbers_of, np.int32).reshape(names.shape)

    @property
    def names(self) -> list[str]:
        """Names of the conditions, in a fixed order."""
        return list(self.shapes)

    def tensor_specs(self, with_presence: bool = False) -> dict[str, tf.TensorSpec]:
        """Returns the type and shape of a batch of each condition.

        Args:
            with_presence: whether an optional model's "has_condition", int32, is one
                of them. Default False.
        """
        specs = {
            name: tf.TensorSpec([None, *shape], _dtype(name), name=name)
            for name, shape in self.shapes.items()
        }
        if with_presence and self.optional:
            specs[HAS_CONDITION] = tf.TensorSpec([None], tf.int32, name=HAS_CONDITION)
        return specs

    def keras_inputs(self) -> dict[str, keras.KerasTensor]:
        """Inputs of a functional model, by name."""
        return {
            name: keras.Input(tuple(spec.shape[1:]), dtype=spec.dtype.name, name=name)
            for name, spec in self.tensor_specs(with_presence=True).items()
        }

    def make_encoder(
        self,
        image_size: tuple[int, int],
        map_filters: int,
        dtype: Any = None,
        vector_map: bool = False,
        positions: bool = False,
    ) -> ConditionEncoder | None:
        """Makes the layer that encodes them, None where there is nothing to encode.

        Args:
            image_size: (height, width) of the images.
            map_filters: features that a spatial map is brought to.
            dtype: dtype policy of the layer. Default: Keras's global policy.
            vector_map: whether label and embedding say what is where, too.
            positions: whether pixels are told where they are.

        Raises:
            ValueError: when there is nothing to make a `vector_map` of.
        """
        if vector_map and not {"label", "embedding"} & set(self.shapes):
            raise ValueError(
                "vector_map makes a map of the label and the embedding, and the model "
                "has neither. Pass num_classes or embedding_dim too. "
                f"Received: vector_map={vector_map!r}"
            )
        if not self.names and not positions:
            return None
        return ConditionEncoder(
            image_size,
            self.num_classes,
            vocabulary_size=self.caption_text.num_ids if self.caption_text else None,
            map_filters=map_filters,
            dropout_rate=self.dropout_rate,
            vector_map=vector_map,
            positions=positions,
            dtype=dtype,
            name="condition_encoder",
        )

    def select(self, features: Mapping[str, Any], num_examples: Any) -> dict[str, Any]:
        """Selects the model's inputs of a batch, without checks of values.

        Args:
            features: the conditions by name; others are left aside.
            num_examples: size of the batch.

        Raises:
            ValueError: when conditions are missing that the model cannot do without.
        """
        given = {name: features.get(name) for name in self.shapes}
        if self._are_left_out(given):
            return self._absent(num_examples)
        if self.caption_text is not None and is_text(given["caption"]):
            given["caption"] = self.caption_text.ids(given["caption"])
        if self.optional and HAS_CONDITION in features:
            given[HAS_CONDITION] = features[HAS_CONDITION]
        elif self.optional:
            given[HAS_CONDITION] = keras.ops.ones((num_examples,), "int32")
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
        given_presence = given.get(HAS_CONDITION)
        given = {name: given.get(name) for name in self.shapes}
        if self._are_left_out(given):
            return self._absent(num_examples)
        inputs = {}
        for name, shape in self.shapes.items():
            value = self.check_value(name, given[name])
            _check_count(name, value.shape, shape, num_examples)
            inputs[name] = one_each(name, value, shape, num_examples)
        if self.optional:
            inputs[HAS_CONDITION] = self._presence(given_presence, num_examples)
        return inputs

    def _presence(self, given: Any, num_examples: tf.Tensor | int) -> tf.Tensor:
        """Returns 1 for examples that have their condition: int32 (num_examples,)."""
        if given is None:
            return tf.ones([num_examples], tf.int32)
        if not tf.is_tensor(given) and not np.isin(given, (0, 1)).all():
            raise ValueError(
                f"{HAS_CONDITION} must hold True or False (or 1 and 0), one for all "
                f"images or one for each. Received: {given!r}"
            )
        value = tf.cast(tf.convert_to_tensor(given), tf.int32)
        if tf.is_tensor(given):
            rule = f"{HAS_CONDITION} must hold 0 or 1."
            value = checked((value == 0) | (value == 1), value, rule)
        _check_count(HAS_CONDITION, value.shape, (), num_examples)
        return one_each(HAS_CONDITION, value, (), num_examples)

    def num_examples(self, given: Mapping[str, Any]) -> Any:
        """Counts the examples of the conditions; None if one stands for all."""
        for name, shape in self.shapes.items():
            value = given.get(name)
            own_rank = 0 if name == "caption" and is_text(value) else len(shape)
            if value is not None and len(np.shape(value)) > own_rank:
                return sizes_of(value)[0] if tf.is_tensor(value) else len(value)
        return None

    def random_values(
        self, generator: np.random.Generator, *leading: int
    ) -> dict[str, np.ndarray]:
        """Draws values that the model takes, to try it out.

        Args:
            generator: what chance comes from.
            *leading: axes before those of one example's value.
        """
        least = {"label": 0}
        below = {"label": self.num_classes}
        if self.caption_text is not None:
            least["caption"] = self.caption_text.least_id
            below["caption"] = self.caption_text.num_ids
        return {
            name: generator.integers(least[name], below[name], (*leading, *shape))
            if name in least
            else generator.normal(size=(*leading, *shape)).astype(np.float32)
            for name, shape in self.shapes.items()
        }

    @property
    def known_names(self) -> list[str]:
        """The names that may be passed: `names`, and an optional model's presence."""
        return [*self.shapes, *([HAS_CONDITION] if self.optional else [])]

    @property
    def words(self) -> str:
        """Says in words what the model takes, as in "the conditions ['label']"."""
        return f"the conditions {self.names}" if self.shapes else "no conditions"

    def check_names(self, given: Mapping[str, Any]) -> None:
        """Checks that no condition is given that the model does not take.

        Raises:
            ValueError: when there is one.
        """
        unknown = [
            name
            for name, value in given.items()
            if value is not None and name not in self.known_names
        ]
        if unknown:
            near = near_name(unknown[0], self.names)
            raise ValueError(f"The model takes {self.words}. Received: {unknown}{near}")

    def check_complete(self, given: Mapping[str, Any]) -> None:
        """Checks that no condition is missing that the model cannot do without.

        Raises:
            ValueError: when one is.
        """
        self._are_left_out(given)

    def check_value(
        self, name: str, value: Any, called: str | None = None
    ) -> tf.Tensor:
        """Checks the type, the shape of an example and the values of one condition.

        Args:
            name: one of `names`.
            value: (..., *shape), any number of leading axes.
            called: what answers of graphs call it. Default: `name`.

        Returns:
            The tensor, int32 labels or float32 others.

        Raises:
            ValueError: as `prepare` does.
        """
        known = self.check_known(name, value)
        if tf.get_static_value(known) is not None:
            return known
        rule = self._rule(name).replace(name, called or name, 1)
        return checked(self._possible(name, known), known, rule)

    def check_known(self, name: str, value: Any) -> tf.Tensor:
        """Checks as `check_value`, but in graphs not the values that are not known yet.

        Raises:
            ValueError: as `prepare` does.
        """
        if isinstance(value, keras.Variable):
            value = value.value
        if name == "caption" and is_text(value):
            return self._ids(value)
        if tf.is_tensor(value):
            value = self._cast(name, tf.convert_to_tensor(value))
            self._check_values(name, tf.get_static_value(value))
        else:
            given, value = value, as_array_or_none(value)
            if value is None:
                raise ValueError(f"{self._rule(name)} Received: {given!r}")
            if name == "label" and value.dtype.kind == "U":
                value = self._numbers_of(value)
            # An empty list makes floats.
            integers = _dtype(name).is_integer and value.size
            if value.dtype.kind not in ("iu" if integers else "fiu"):
                self._refuse_type(name, value.dtype)
            self._check_values(name, value)
            value = tf.constant(value.astype(_dtype(name).as_numpy_dtype))
        return self._with_shape(name, value)

    def _ids(self, texts: Any) -> tf.Tensor:
        """Returns the numbers of captions' words, checked where they are known."""
        ids = self.caption_text.ids(texts)
        known = tf.get_static_value(ids)
        if known is not None:
            possible = self.caption_text.possible(known).all(axis=-1)
            if not possible.all():
                wrong = tf.compat.as_str_any(np.asarray(texts)[~possible].flat[0])
                raise ValueError(f"{self._rule('caption')} Received: {wrong!r}")
        return ids

    def _check_values(self, name: str, known: Any) -> None:
        if known is None:
            return
        known = np.asarray(known)
        if known.dtype.kind == "f":  # in half precision the bound would be infinite
            known = known.astype(np.float64)
        possible = np.asarray(self._possible(name, known))
        if not possible.all():
            wrong = known[~possible].flat[0]
            raise ValueError(f"{self._rule(name)} Received: {wrong}")

    def _cast(self, name: str, value: tf.Tensor) -> tf.Tensor:
        dtype = _dtype(name)
        is_number = value.dtype.is_integer or value.dtype.is_floating
        if not is_number or (dtype.is_integer and not value.dtype.is_integer):
            self._refuse_type(name, value.dtype.name)
        if value.dtype == dtype:
            return value
        if dtype.is_integer and value.dtype.size >= dtype.size:
            # Clipped, so that nothing out of range is made something in range.
            least = max(dtype.min, value.dtype.min)
            value = tf.clip_by_value(value, least, dtype.max)
        return tf.cast(value, dtype)

    def _refuse_type(self, name: str, dtype: Any) -> NoReturn:
        raise ValueError(f"{self._rule(name)} Received: values of type {dtype}")

    def _with_shape(self, name: str, value: tf.Tensor) -> tf.Tensor:
        shape = self.shapes[name]
        if value.shape.rank is None:  # as Python functions in data sets leave it
            return of_known_shape(name, value, shape)
        own = value.shape[value.shape.rank - len(shape) :]
        if value.shape.rank < len(shape) or not own.is_compatible_with(shape):
            batch = ", ".join(["batch", *map(str, shape)])
            raise ValueError(
                f"{name} must have the shape {shape}, or ({batch}), as the model was "
                f"made for. Received: {name} of shape {tuple(value.shape)}"
            )
        return value

    def _possible(self, name: str, value: tf.Tensor) -> tf.Tensor:
        if name == "caption":
            return self.caption_text.possible(value)
        if name != "label":
            # Comparisons with NaN are false.
            return abs(value) <= self._largest
        least = -1 if self.optional else 0
        return (value >= least) & (value < self.num_classes)

    def _rule(self, name: str) -> str:
        if name == "caption":
            return self.caption_text.rule
        if name != "label":
            bound = "" if self._largest > 1e38 else f" of at most {self._largest:g}"
            return f"{name} must hold finite numbers{bound}."
        none = ", or -1 for none" if self.optional else ""
        named = ""
        if self.label_names:
            shown = [*self.label_names[:_MOST_NAMES_TOLD]]
            more = ", ..." if len(shown) < len(self.label_names) else ""
            named = f", or their names: {', '.join(shown)}{more}"
        return f"label must hold integers in [0, {self.num_classes}){none}{named}."

    def _are_left_out(self, given: Mapping[str, Any]) -> bool:
        """Tells whether no condition is given, which not every model can do without."""
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
        return {
            name: keras.ops.zeros((num_examples, *spec.shape[1:]), spec.dtype.name)
            for name, spec in self.tensor_specs(with_presence=True).items()
        }


def _dtype(name: str) -> tf.DType:
    return tf.int32 if name in ("label", "caption") else tf.float32


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
