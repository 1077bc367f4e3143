"""A SavedModel in memory: its signatures, what they take, and running them."""

import math
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from savedmodels.server.errors import invalid, serving_error, shortened

Arrays = dict[str, np.ndarray]
"""Inputs or outputs by name; strings are arrays of bytes objects."""


class ServedSignature:
    """One signature of a model.

    Attributes:
        name: how requests name it.
        inputs: what it takes, by name.
    """

    def __init__(self, name: str, function: Callable[..., dict]) -> None:
        self.name = name
        self.inputs: dict[str, tf.TensorSpec] = dict(
            sorted(function.structured_input_signature[1].items())
        )
        self._function = function

    def check_names(self, names: Sequence[str]) -> None:
        """Answers when inputs are missing, or there are others."""
        missing = sorted(set(self.inputs) - set(names))
        extra = sorted(set(names) - set(self.inputs))
        if missing or extra:
            faults = [f"Missing: {', '.join(missing)}."] if missing else []
            faults += [f"Unknown: {', '.join(extra)}."] if extra else []
            received = ", ".join(sorted(names)) or "none"
            raise invalid(
                f"The inputs of the signature {self.name!r} must be "
                f"{_in_words(list(self.inputs))}. {' '.join(faults)} "
                f"Received: {received}"
            )

    def check_type(self, name: str, dtype: tf.DType, shape: Sequence[int]) -> None:
        """Answers when an input has another type or shape."""
        spec = self.inputs[name]
        if dtype != spec.dtype:
            raise invalid(
                f"{name} must be of type {spec.dtype.name}. Received: {dtype.name}"
            )
        if len(shape) and not shape[0]:
            raise invalid(
                f"{name} must have at least one row. Received: shape {tuple(shape)}"
            )
        if not spec.shape.is_compatible_with(shape):
            raise invalid(
                f"{name} must have the shape {shape_in_words(spec.shape)}, n being "
                f"the number of rows. Received: {tuple(shape)}"
            )

    def num_rows(self, inputs: Arrays) -> int:
        """The rows of a request, when names, types and shapes are right.

        Raises:
            ServingError: INVALID_ARGUMENT, when they are not.
        """
        self.check_names(list(inputs))
        for name, value in inputs.items():
            self.check_type(name, tf.as_dtype(value.dtype), value.shape)
        rows = {name: len(inputs[name]) for name in self.inputs}
        if len(set(rows.values())) != 1:
            received = ", ".join(f"{name} {count}" for name, count in rows.items())
            raise invalid(
                f"{_in_words(list(self.inputs))} must have equally many rows. "
                f"Received: {received}"
            )
        return next(iter(rows.values()))

    def run(self, inputs: Arrays) -> Arrays:
        """The outputs for inputs that were checked.

        Raises:
            ServingError: when the graph answers so.
        """
        tensors = {
            name: tf.constant(value, self.inputs[name].dtype)
            for name, value in inputs.items()
        }
        try:
            outputs = self._function(**tensors)
        except tf.errors.OpError as error:
            raise serving_error(error, list(self.inputs)) from error
        return {name: value.numpy() for name, value in outputs.items()}


class ServedModel:
    """A SavedModel, loaded.

    Attributes:
        signature_defs: the signatures as the SavedModel holds them, for metadata.
        signatures: the signatures to run.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.signature_defs = _read_signature_defs(pathlib.Path(path))
        self._loaded = tf.saved_model.load(str(path))
        self.signatures: Mapping[str, ServedSignature] = {
            name: ServedSignature(name, function)
            for name, function in self._loaded.signatures.items()
        }

    def signature(self, name: str) -> ServedSignature:
        """The signature that a request names, by default `serving_default`."""
        name = name or tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
        if name not in self.signatures:
            raise invalid(
                f"The signature must be {_in_words(sorted(self.signatures), 'or')}. "
                f"Received: {shortened(name, 100)!r}"
            )
        return self.signatures[name]

    def run(self, signature: str, inputs: Arrays) -> Arrays:
        """The outputs of a signature for inputs that were checked."""
        return self.signatures[signature].run(inputs)


def shape_in_words(shape: tf.TensorShape) -> str:
    """A shape as in "(n, 28, 28, 1)"."""
    if shape.rank is None:
        return "(n, ...)"
    sizes = ["n" if size is None else str(size) for size in shape]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def num_bytes(spec: tf.TensorSpec, shape: Sequence[int]) -> int:
    """The memory that an array takes; a string is counted as its pointer."""
    return math.prod(shape) * np.dtype(spec.dtype.as_numpy_dtype).itemsize


def _in_words(names: Sequence[str], link: str = "and") -> str:
    if len(names) < 2:
        return names[0] if names else "none"
    return f"{', '.join(names[:-1])} {link} {names[-1]}"


def _read_signature_defs(path: pathlib.Path) -> dict:
    file = path / tf.saved_model.SAVED_MODEL_FILENAME_PB
    if not file.is_file():
        raise ValueError(f"A version must hold {file.name}. Received: {path}")
    saved_model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    for meta_graph in saved_model.meta_graphs:
        if "serve" in meta_graph.meta_info_def.tags:
            return dict(meta_graph.signature_def)
    raise ValueError(f"A SavedModel must have the tag 'serve'. Received: {path}")
