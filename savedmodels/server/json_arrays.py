"""JSON's nested lists to arrays and back."""

import base64
import binascii
import functools
import itertools
import json
import reprlib
from typing import Any

import grpc
import numpy as np
import tensorflow as tf

from savedmodels.server.errors import ServingError, invalid
from savedmodels.server.saved_model import shape_in_words

BYTES_SUFFIX = "_bytes"
"""Outputs of strings whose names end so are bytes, and are sent as base64."""

_DEEPEST = 64
"""Dimensions that an array may have."""


def to_array(name: str, values: Any, spec: tf.TensorSpec) -> np.ndarray:
    """An array of nested lists.

    Args:
        name: the input's name, for errors.
        values: what JSON held.
        spec: the array's type, and its rank, where that is known. Integers are taken
            for floats, and no other type for another. The sizes are not checked.

    Raises:
        ServingError: INVALID_ARGUMENT for other types, ragged lists, lists that are
            nested too deep, and numbers that the type cannot hold; UNIMPLEMENTED for
            types that JSON lacks.
    """
    shape, flat = _flatten(name, values, spec.shape)
    dtype = spec.dtype
    if dtype == tf.string:
        array = np.empty(len(flat), object)
        array[:] = [_to_bytes(name, value) for value in flat]
    elif dtype == tf.bool:
        _check_kinds(name, flat, {bool}, "true or false")
        array = np.array(flat, bool)
    elif dtype.is_integer:
        array = _to_integers(name, flat, dtype)
    elif dtype in (tf.float32, tf.float64):
        array = _to_floats(name, flat, dtype)
    else:
        raise ServingError(
            grpc.StatusCode.UNIMPLEMENTED,
            f"{name} has the type {dtype.name}, which JSON lacks.",
        )
    return array.reshape(shape)


def from_array(name: str, array: np.ndarray) -> Any:
    """Nested lists of an array; of an output's bytes where its name tells so."""
    if array.dtype != object:
        return array.tolist()
    if name.endswith(BYTES_SUFFIX):
        convert = np.frompyfunc(_to_base64, 1, 1)
    else:
        convert = np.frompyfunc(lambda value: value.decode("utf-8", "replace"), 1, 1)
    return convert(array).tolist()


def text_of(name: str, array: np.ndarray) -> str:
    """The JSON of an array; of an output's bytes where its name tells so."""
    if array.dtype.kind not in "iu" or not array.ndim:
        return json.dumps(from_array(name, array))
    # Nested lists, one for each pixel of an image, would take several times as long.
    rows = ", ".join([_frame(array.shape[1:])] * len(array))
    return f"[{rows}]" % tuple(array.ravel().tolist())


@functools.lru_cache(16)
def _frame(shape: tuple[int, ...]) -> str:
    """The JSON of an array of this shape, with a place for each integer."""
    return json.dumps(np.zeros(shape, np.int8).tolist()).replace("0", "%d")


def brief(value: Any) -> str:
    """A value as JSON would write it, short."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = 60
    words = {True: "true", False: "false", None: "null"}
    if value is None or isinstance(value, bool):
        return words[value]
    return short.repr(value)


def _flatten(
    name: str, values: Any, expected: tf.TensorShape
) -> tuple[list[int], list]:
    """The shape of nested lists, and all values in one list.

    One dimension too many is let through, so that an error can tell the whole shape.
    """
    rank = _DEEPEST if expected.rank is None else expected.rank
    deepest = min(rank + 1, _DEEPEST)
    shape, flat = [], [values]
    while True:
        kinds = set(map(type, flat))
        if list not in kinds:
            return shape, flat
        if len(shape) == deepest:
            raise invalid(
                f"{name} must have the shape {shape_in_words(expected)}, n being the "
                f"number of rows. Received: lists nested more than {deepest} deep"
            )
        sizes = set(map(len, flat)) if kinds == {list} else set()
        if len(sizes) != 1:
            raise invalid(
                f"{name} must be nested lists of equal lengths. Received, at depth "
                f"{len(shape)}: {_differing(flat)}"
            )
        shape.append(sizes.pop())
        flat = list(itertools.chain.from_iterable(flat))


def _differing(parts: list) -> str:
    """Two parts of which one is no list, or has another length."""

    def describe(part: Any) -> str:
        return f"a list of {len(part)}" if isinstance(part, list) else brief(part)

    first = describe(parts[0])
    other = next((p for p in map(describe, parts) if p != first), first)
    return f"{first} and {other}"


def _to_integers(name: str, flat: list, dtype: tf.DType) -> np.ndarray:
    low, high = _limits(dtype)
    _check_kinds(name, flat, {int}, f"{dtype.name} integers")
    for value in (min(flat, default=low), max(flat, default=low)):
        if not low <= value <= high:
            raise invalid(
                f"{name} must hold integers in [{low}, {high}], of type {dtype.name}. "
                f"Received: {brief(value)}"
            )
    return np.array(flat, dtype.as_numpy_dtype)


def _to_floats(name: str, flat: list, dtype: tf.DType) -> np.ndarray:
    _check_kinds(name, flat, {int, float}, f"{dtype.name} numbers")
    _, high = _limits(dtype)
    rule = f"{name} must hold numbers of type {dtype.name}, at most {high:.4g}."
    try:
        array = np.array(flat, np.float64)
    except OverflowError:
        value = max((v for v in flat if isinstance(v, int)), key=abs)
        raise invalid(f"{rule} Received: {brief(value)}") from None
    too_large = np.isfinite(array) & (np.abs(array) > high)
    if too_large.any():
        raise invalid(f"{rule} Received: {array[too_large][0]}")
    return array.astype(dtype.as_numpy_dtype)


@functools.cache
def _limits(dtype: tf.DType) -> tuple[Any, Any]:
    """The least and the largest number of a type: TensorFlow takes long to tell."""
    if dtype.is_integer:
        return int(dtype.min), int(dtype.max)
    return float(dtype.min), float(dtype.max)


def _check_kinds(name: str, flat: list, kinds: set[type], words: str) -> None:
    if not set(map(type, flat)) <= kinds:
        wrong = next(value for value in flat if type(value) not in kinds)
        raise invalid(f"{name} must hold {words}. Received: {brief(wrong)}")


def _to_bytes(name: str, value: Any) -> bytes:
    try:
        if isinstance(value, str):
            return value.encode("utf-8")
        if isinstance(value, dict) and value.keys() == {"b64"}:
            return base64.b64decode(value["b64"], validate=True)
    except (UnicodeEncodeError, binascii.Error, TypeError, ValueError) as error:
        raise invalid(
            f'{name} must hold strings in UTF-8 or {{"b64": "<base64>"}}. '
            f"Received: {brief(value)}: {error}"
        ) from None
    raise invalid(
        f'{name} must hold strings or {{"b64": "<base64>"}}. Received: {brief(value)}'
    )


def _to_base64(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode("ascii")}
