"""The signatures of a SavedModel: what they take, and running them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from savedmodels.error_messages import check_names
from savedmodels.server.errors import invalid, serving_error
from savedmodels.tensor_protos import numpy_spec, read_proto

Arrays = dict[str, np.ndarray]
"""Inputs or outputs by name; strings are arrays of bytes objects."""


class LoadedSignature:
    """One signature of a SavedModel.

    Attributes:
        name: how requests name it.
        inputs: what it takes, by name.
        outputs: the names of what it gives.
    """

    def __init__(self, name: str, function: Callable[..., dict]) -> None:
        self.name = name
        specs = sorted(function.structured_input_signature[1].items())
        self.inputs = {key: numpy_spec(spec) for key, spec in specs}
        self.outputs = sorted(function.structured_outputs)
        self._types = {key: spec.dtype for key, spec in specs}
        self._function = function

    def num_rows(self, inputs: Arrays) -> int:
        """Counts the rows of a request, after a check of types and shapes.

        Raises:
            ServingError: INVALID_ARGUMENT, when one is wrong.
        """
        try:
            for name, value in inputs.items():
                self.inputs[name].check(name, value.dtype, value.shape)
        except ValueError as error:
            raise invalid(str(error)) from None
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
            ServingError: INVALID_ARGUMENT, when they are others.
        """
        try:
            check_names(self.inputs, protos)
            return {
                name: read_proto(name, proto, self.inputs[name], most_bytes)
                for name, proto in protos.items()
            }
        except ValueError as error:
            raise invalid(str(error)) from None

    def run(self, inputs: Arrays) -> Arrays:
        """Gives the outputs for inputs that were checked.

        Raises:
            ServingError: when the graph refuses them.
        """
        tensors = {
            name: tf.constant(value, self._types[name])
            for name, value in inputs.items()
        }
        try:
            outputs = self._function(**tensors)
        except tf.errors.OpError as error:
            raise serving_error(error, list(self.inputs)) from error
        return {name: value.numpy() for name, value in outputs.items()}
