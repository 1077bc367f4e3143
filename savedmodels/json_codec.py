"""Arrays as JSON, as TensorFlow Serving's REST interface spells it, for both its ends.

Numbers that are not finite are written as NaN, Infinity and -Infinity, which strict
JSON lacks and orjson refuses; strings that are bytes travel as {"b64": "<base64>"}.
"""

import base64
import binascii
import itertools
import json
import reprlib
from typing import Any

import numpy as np
import orjson

DEEPEST = 64
"""NumPy's arrays have no more dimensions."""


def parse(body: bytes) -> Any:
    """Parses a JSON document, in which numbers may be NaN, Infinity and -Infinity.

    Raises:
        ValueError: when it is not JSON, or not in UTF-8.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        if b"NaN" not in body and b"Infinity" not in body:
            raise
    try:
        return json.loads(body.decode("utf-8"))
    except RecursionError:
        raise ValueError("the lists are nested too deep") from None


def dump(document: Any) -> bytes:
    """Writes a document whose arrays went through `encode`."""
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def encode(array: np.ndarray, as_text: bool = False) -> Any:
    """Gives an array the form in which `dump` takes it.

    Args:
        array: numbers, booleans, or an object array of bytes.
        as_text: whether bytes are written as text, UTF-8, and not as base64.
    """
    if array.dtype == object:
        convert = _to_text if as_text else _to_base64
        if not array.ndim:
            return convert(array.item())
        return np.frompyfunc(convert, 1, 1)(array).tolist()
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            return orjson.Fragment(json.dumps(array.tolist()))
        # The shortest digits of a float32 are read as a float64, and rounded again.
        array = array.astype(np.float64)
    return np.ascontiguousarray(array) if array.ndim else array.item()


def decode(
    name: str, values: Any, dtype: np.dtype, deepest: int = DEEPEST
) -> np.ndarray:
    """Makes an array of nested lists.

    Args:
        name: how errors call it.
        values: what JSON held.
        dtype: the array's type, object for bytes. Integers are taken for floats, and no
            other type for another.
        deepest: how deep the lists may be nested.

    Returns:
        An array of this type, and of the lists' shape.

    Raises:
        ValueError: when values are of another type or too large for it, or lists are
            ragged or nested too deep.
    """
    shape, flat = _flatten(name, values, min(deepest, DEEPEST))
    if dtype.kind == "O":
        array = np.empty(len(flat), object)
        array[:] = [_to_bytes(name, value) for value in flat]
    elif dtype.kind == "b":
        _check_types(name, flat, {bool}, "true or false")
        array = np.array(flat, bool)
    elif dtype.kind in "iu":
        array = _to_integers(name, flat, dtype)
    elif dtype in (np.float32, np.float64):
        array = _to_floats(name, flat, dtype)
    else:
        raise ValueError(f"{name} has the type {dtype}, which JSON lacks.")
    return array.reshape(shape)


def brief(value: Any) -> str:
    """Spells a value of JSON for an error message, short."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = 60
    words = {True: "true", False: "false", None: "null"}
    if value is None or isinstance(value, bool):
        return words[value]
    return short.repr(value)


def _flatten(name: str, values: Any, deepest: int) -> tuple[list[int], list]:
    """Gives the shape of nested lists, and all values in one list."""
    shape, flat = [], [values]
    while True:
        types = set(map(type, flat))
        if list not in types:
            return shape, flat
        if len(shape) == deepest:
            raise ValueError(
                f"{name} must have fewer dimensions. "
                f"Received: lists nested more than {deepest} deep"
            )
        sizes = set(map(len, flat)) if types == {list} else set()
        if len(sizes) != 1:
            raise ValueError(
                f"{name} must be nested lists of equal lengths. Received, at depth "
                f"{len(shape)}: {_differing(flat)}"
            )
        shape.append(sizes.pop())
        flat = list(itertools.chain.from_iterable(flat))


def _differing(parts: list) -> str:
    """Describes two parts of which one is no list, or has another length."""

    def describe(part: Any) -> str:
        return f"a list of {len(part)}" if isinstance(part, list) else brief(part)

    first = describe(parts[0])
    other = next((p for p in map(describe, parts) if p != first), first)
    return f"{first} and {other}"


def _to_integers(name: str, flat: list, dtype: np.dtype) -> np.ndarray:
    _check_types(name, flat, {int}, f"{dtype} integers")
    try:
        return np.array(flat, dtype)
    except OverflowError:
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        wrong = next(value for value in flat if not low <= value <= high)
        raise ValueError(
            f"{name} must hold integers in [{low}, {high}], of type {dtype}. "
            f"Received: {brief(wrong)}"
        ) from None


def _to_floats(name: str, flat: list, dtype: np.dtype) -> np.ndarray:
    _check_types(name, flat, {int, float}, f"{dtype} numbers")
    high = np.finfo(dtype).max
    rule = f"{name} must hold numbers of type {dtype}, at most {high:.4g}."
    try:
        array = np.array(flat, np.float64)
    except OverflowError:
        raise ValueError(f"{rule} Received: {brief(max(flat, key=abs))}") from None
    too_large = np.isfinite(array) & (np.abs(array) > high)
    if too_large.any():
        raise ValueError(f"{rule} Received: {array[too_large][0]}")
    return array.astype(dtype)


def _check_types(name: str, flat: list, types: set[type], words: str) -> None:
    if not set(map(type, flat)) <= types:
        wrong = next(value for value in flat if type(value) not in types)
        raise ValueError(f"{name} must hold {words}. Received: {brief(wrong)}")


def _to_bytes(name: str, value: Any) -> bytes:
    try:
        if isinstance(value, str):
            return value.encode("utf-8")
        if isinstance(value, dict) and value.keys() == {"b64"}:
            return base64.b64decode(value["b64"], validate=True)
    except (UnicodeEncodeError, binascii.Error, TypeError, ValueError) as error:
        raise ValueError(
            f'{name} must hold strings in UTF-8 or {{"b64": "<base64>"}}. '
            f"Received: {brief(value)}: {error}"
        ) from None
    raise ValueError(
        f'{name} must hold strings or {{"b64": "<base64>"}}. Received: {brief(value)}'
    )


def _to_text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _to_base64(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode("ascii")}
