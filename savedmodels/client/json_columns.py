"""Arrays as JSON in column form, and back."""

import base64
import binascii
import functools
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from savedmodels.client.tensor_specs import TensorSpec

_OF_NUMBERS = b"0123456789+-.eE \t\r\n"
"""What numbers and the space around them are made of."""


def to_json(value: np.ndarray) -> Any:
    """Nested lists of an array; strings as base64."""
    if value.dtype.kind != "O":
        return value.tolist()
    return _map_strings(value.tolist())


def read_numbers(
    content: bytes, outputs: Mapping[str, TensorSpec], count: int
) -> dict[str, np.ndarray] | None:
    """Reads an answer that holds one array of numbers, of the shape that is due.

    Its numbers are read as one list. Nested ones, a list for each pixel of an image,
    take several times as long.

    Args:
        content: the answer.
        outputs: what the signature gives.
        count: how many rows were asked for.

    Returns:
        The array by the output's name; None for any other answer, which remains to be
        read as JSON.
    """
    if len(outputs) != 1:
        return None
    ((name, spec),) = outputs.items()
    if spec.dtype.kind not in "iuf" or None in spec.example_shape:
        return None
    shape = (count, *spec.example_shape)
    if content.translate(None, _OF_NUMBERS) != _frame(shape):
        return None
    try:
        inner = content[content.index(b"[") :].translate(None, b"[]}")
        return {name: _as_type(json.loads(b"[%b]" % inner), spec).reshape(shape)}
    except (OverflowError, ValueError):
        return None


@functools.lru_cache(16)
def _frame(shape: tuple[int, ...]) -> bytes:
    """An answer without its numbers."""
    answer = json.dumps({"outputs": np.zeros(shape, np.int8).tolist()})
    return answer.encode().translate(None, _OF_NUMBERS)


def read_columns(
    columns: Any, outputs: Mapping[str, TensorSpec]
) -> dict[str, np.ndarray]:
    """Reads the outputs of an answer.

    Args:
        columns: nested lists by name; a single output may stand without its name.
        outputs: what the signature gives.

    Raises:
        LookupError, OverflowError, TypeError, ValueError: when it is something else.
    """
    if len(outputs) == 1 and not isinstance(columns, dict):
        columns = dict.fromkeys(outputs, columns)
    return {name: _read_tensor(columns[name], spec) for name, spec in outputs.items()}


def _read_tensor(value: Any, spec: TensorSpec) -> np.ndarray:
    if spec.dtype.kind == "O":
        strings = np.empty(len(value), object)
        strings[:] = [_read_string(item) for item in value]
        return strings
    return _as_type(value, spec)


def _as_type(value: Any, spec: TensorSpec) -> np.ndarray:
    numbers = np.asarray(value)
    if spec.dtype.kind in "iu" and numbers.size:
        if numbers.dtype.kind not in "iu":
            raise ValueError("The numbers are no integers.")
        limits = np.iinfo(spec.dtype)
        if numbers.min() < limits.min or numbers.max() > limits.max:
            raise OverflowError(f"The numbers exceed {spec.dtype.name}.")
        return numbers.astype(spec.dtype)
    return np.asarray(value, spec.dtype)


def _map_strings(value: Any) -> Any:
    if isinstance(value, list):
        return [_map_strings(item) for item in value]
    return {"b64": base64.b64encode(value).decode("ascii")}


def _read_string(value: Any) -> bytes:
    if isinstance(value, dict):
        try:
            return base64.b64decode(value["b64"], validate=True)
        except binascii.Error as error:
            raise ValueError("The string is no base64.") from error
    if not isinstance(value, str):
        raise TypeError("The value is no string.")
    return value.encode()
