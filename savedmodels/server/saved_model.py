"""A SavedModel in memory: its signatures, what they take, and running them."""

import math
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from savedmodels.error_messages import shortened
from savedmodels.server.errors import ServingError, invalid, serving_error
from savedmodels.tensor_protos import read_proto

Arrays = dict[str, np.ndarray]
"""Inputs or outputs by name; strings are arrays of bytes objects."""

_BYTES_OF_VALUE = 32
"""Characters that a number of JSON takes at most, with its comma and its brackets."""


class LoadedSignature:
    """One signature of a model.

    Attributes:
        name: how requests name it.
        inputs: what it takes, by name.
        outputs: the names of what it gives.
    """

    def __init__(self, name: str, function: Callable[..., dict]) -> None:
        self.name = name
        self.inputs: dict[str, tf.TensorSpec] = dict(
            sorted(function.structured_input_signature[1].items())
        )
        self.outputs = sorted(function.structured_outputs)
        self._function = function

    def check_names(self, names: Iterable[str]) -> None:
        """Raises a ServingError when inputs are missing, or there are others."""
        missing = sorted(set(self.inputs) - set(names))
        extra = sorted(set(names) - set(self.inputs))
        if missing or extra:
            faults = f"Missing: {', '.join(missing)}. " if missing else ""
            faults += f"Unknown: {', '.join(extra)}. " if extra else ""
            raise invalid(
                f"The inputs of the signature {self.name!r} must be "
                f"{', '.join(self.inputs)}. {faults}"
                f"Received: {', '.join(sorted(names)) or 'none'}"
            )

    def check_type(self, name: str, dtype: tf.DType, shape: Sequence[int]) -> None:
        """Raises a ServingError when an input has another type or shape."""
        spec, shape = self.inputs[name], tuple(shape)
        if dtype != spec.dtype:
            raise invalid(
                f"{name} must be of type {spec.dtype.name}. Received: {dtype.name}"
            )
        if shape[:1] == (0,):
            raise invalid(f"{name} must have at least one row. Received: shape {shape}")
        if not spec.shape.is_compatible_with(shape):
            rule = str(tuple(spec.shape)).replace("None", "n")
            raise invalid(
                f"{name} must have the shape {rule}, n being the number of rows. "
                f"Received: {shape}"
            )

    def num_rows(self, inputs: Arrays) -> int:
        """Counts the rows of a request, after a check of names, types and shapes.

        Raises:
            ServingError: INVALID_ARGUMENT, when one is wrong.
        """
        self.check_names(inputs)
        for name, value in inputs.items():
            self.check_type(name, tf.as_dtype(value.dtype), value.shape)
        rows = {name: len(inputs[name]) for name in self.inputs}
        if len(set(rows.values())) != 1:
            received = ", ".join(f"{name} {count}" for name, count in rows.items())
            raise invalid(
                f"All inputs must have equally many rows. Received: {received}"
            )
        return next(iter(rows.values()))

    def read_protos(self, protos: Mapping[str, Any], most_bytes: int) -> Arrays:
        """Reads the inputs of a request by gRPC, of at most so many bytes each.

        Raises:
            ServingError: INVALID_ARGUMENT, or RESOURCE_EXHAUSTED above `most_bytes`.
        """
        self.check_names(protos)
        # Shapes first: a few bytes can claim a shape of any size.
        for name, proto in protos.items():
            self._check_proto(name, proto, most_bytes)
        try:
            return {name: read_proto(name, proto) for name, proto in protos.items()}
        except ValueError as error:
            raise invalid(str(error)) from None

    def _check_proto(self, name: str, proto: Any, most_bytes: int) -> None:
        shape = [dim.size for dim in proto.tensor_shape.dim]
        if proto.tensor_shape.unknown_rank or min(shape, default=0) < 0:
            raise invalid(
                f"{name} must have a known shape. Received: {shape or 'none'}"
            )
        try:
            dtype = tf.as_dtype(proto.dtype)
        except TypeError:
            raise invalid(
                f"{name} must be of a known type. Received: number {proto.dtype}"
            ) from None
        self.check_type(name, dtype, shape)
        # A string counts as its pointer.
        size = math.prod(shape) * np.dtype(dtype.as_numpy_dtype).itemsize
        if size > most_bytes:
            raise ServingError(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"{name} must not take more than {most_bytes} bytes. Received: {size}",
            )

    def run(self, inputs: Arrays) -> Arrays:
        """Gives the outputs for inputs that were checked.

        Raises:
            ServingError: when the graph refuses them.
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

    def json_size(self) -> tuple[int, int]:
        """Counts the bytes and the lists and objects of a row in JSON, at most.

        What has no fixed size, as strings, counts as nothing.
        """
        shapes = [
            spec.shape.as_list()[1:]
            for spec in self.inputs.values()
            if spec.shape[1:].is_fully_defined() and spec.dtype != tf.string
        ]
        values = sum(map(math.prod, shapes))
        lists = sum(math.prod(s[:depth]) for s in shapes for depth in range(len(s)))
        return values * _BYTES_OF_VALUE, lists + 2 * len(self.inputs) + 1


class LoadedModel:
    """A SavedModel, loaded.

    Attributes:
        signature_defs: the signatures as the SavedModel holds them, for metadata.
        signatures: the signatures to run.
    """

    def __init__(self, path: pathlib.Path) -> None:
        content = (path / tf.saved_model.SAVED_MODEL_FILENAME_PB).read_bytes()
        meta_graph = saved_model_pb2.SavedModel.FromString(content).meta_graphs[0]
        self.signature_defs = dict(meta_graph.signature_def)
        self._loaded = tf.saved_model.load(str(path))
        self.signatures = {
            name: LoadedSignature(name, function)
            for name, function in self._loaded.signatures.items()
        }

    def signature(self, name: str) -> LoadedSignature:
        """Gives the signature that a request names, by default `serving_default`."""
        name = name or tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
        if name not in self.signatures:
            raise invalid(
                f"The signature must be one of {', '.join(sorted(self.signatures))}. "
                f"Received: {shortened(name, 100)!r}"
            )
        return self.signatures[name]
