"""Bodies of TensorFlow Serving's REST interface, written and read by both its ends.

Requests hold inputs in rows ("instances") or in columns ("inputs"), and answers hold
outputs in the same form ("predictions" or "outputs"). All errors are ValueErrors.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from savedmodels import json_codec
from savedmodels.error_messages import check_names
from savedmodels.json_codec import brief
from savedmodels.tensor_spec import TensorSpec

Arrays = Mapping[str, np.ndarray]

_BYTES_OF_VALUE = 32
"""Characters that a number takes at most, with its comma and its brackets."""

BYTES_SUFFIX = "_bytes"
"""Outputs of strings whose names end so are bytes, and are sent as base64."""


class JsonRequest(NamedTuple):
    """The body of a request, not converted yet.

    The signature's name is empty for the default one.
    """

    signature_name: str
    is_rows: bool
    values: Any


# The client's part.


def write_request(signature_name: str, inputs: Arrays) -> bytes:
    """Writes a request in columns; strings as base64."""
    columns = {name: json_codec.encode(value) for name, value in inputs.items()}
    return json_codec.dump({"signature_name": signature_name, "inputs": columns})


def read_outputs(
    document: Mapping[str, Any], types: Mapping[str, TensorSpec]
) -> dict[str, np.ndarray]:
    """Reads an answer in columns, of which a single one may stand without its name.

    Raises:
        LookupError, TypeError, ValueError: when it is something else.
    """
    columns = document["outputs"]
    if len(types) == 1 and not isinstance(columns, dict):
        columns = dict.fromkeys(types, columns)
    return {
        name: json_codec.decode(name, columns[name], spec.dtype)
        for name, spec in types.items()
    }


# The server's part.


class RowSize(NamedTuple):
    """The most bytes and values that a row of a request takes.

    What has no fixed size, as strings, counts as nothing among bytes and lists; where
    there is such an input, commas have no limit: texts may hold any number. (Files in
    base64 hold none.)
    """

    num_bytes: int
    num_lists: int
    num_commas: float


def row_size(types: Mapping[str, TensorSpec]) -> RowSize:
    """Counts the bytes, lists and objects, and commas of a row of a request."""
    fixed = {
        name: spec.example_shape
        for name, spec in types.items()
        if spec.dtype.kind != "O" and None not in spec.example_shape
    }
    shapes = fixed.values()
    values = sum(map(math.prod, shapes))
    lists = sum(math.prod(s[:depth]) for s in shapes for depth in range(len(s)))
    others = [name for name in types.keys() - fixed if not name.endswith(BYTES_SUFFIX)]
    commas = math.inf if others else values + len(types)
    return RowSize(values * _BYTES_OF_VALUE, lists + 2 * len(types) + 1, commas)


def parse_request(
    body: bytes, max_lists: int, max_commas: float = math.inf
) -> JsonRequest:
    """Reads the body of a request.

    Args:
        body: JSON.
        max_lists: how many lists and objects it may hold. They are counted first: a few
            megabytes of empty ones would keep the interpreter busy for seconds.
        max_commas: the same of commas, one for each number: the parser holds the
            interpreter for a quarter of a second to read 8 MB of them.

    Raises:
        ValueError: when it is not what the interface takes.
    """
    count = body.count(b"[") + body.count(b"{")
    if count > max_lists:
        raise ValueError(
            f"The body must have at most {max_lists} lists and objects, as many as the "
            f"model's largest batch takes. Received: {count}"
        )
    if max_commas < math.inf and (count := body.count(b",")) > max_commas:
        raise ValueError(
            f"The body must have at most {max_commas} values, as many as the model's "
            f"largest batch takes. Received: {count} commas"
        )
    try:
        document = json_codec.parse(body)
    except ValueError as error:
        raise ValueError(
            f"The body must be JSON, in UTF-8. Received: {error}"
        ) from None
    if not isinstance(document, dict):
        raise ValueError(
            'The body must be a JSON object, {"instances": [...]} or {"inputs": ...}. '
            f"Received: {brief(document)}"
        )
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise ValueError(f"signature_name must be a string. Received: {brief(name)}")
    forms = [form for form in ("instances", "inputs") if form in document]
    if len(forms) != 1:
        raise ValueError(
            "The body must have either 'instances', for rows, or 'inputs', for "
            f"columns. Received: {brief(sorted(document))}"
        )
    return JsonRequest(name, forms == ["instances"], document[forms[0]])


def read_inputs(
    request: JsonRequest, types: Mapping[str, TensorSpec]
) -> dict[str, np.ndarray]:
    """Makes arrays of the inputs of a request; their shapes are not checked yet.

    Raises:
        ValueError: when names or types are others, lists are ragged, or numbers are
            too large.
    """
    columns = (_columns if request.is_rows else _named)(request.values, types)
    inputs = {}
    for name, values in columns.items():
        shape = types[name].shape
        # One dimension too many is let through: then an error tells the whole shape.
        deepest = json_codec.DEEPEST if shape is None else len(shape) + 1
        inputs[name] = json_codec.decode(name, values, types[name].dtype, deepest)
    return inputs


def num_characters(outputs: Arrays) -> int:
    """Estimates how long the body of an answer is."""
    return sum(
        sum(map(len, array.flat)) if array.dtype == object else 4 * array.size
        for array in outputs.values()
    )


def write_outputs(outputs: Arrays, is_rows: bool) -> bytes:
    """Writes an answer; a single output stands alone, without its name."""
    encoded = {}
    for name, array in outputs.items():
        as_text = not name.endswith(BYTES_SUFFIX)
        if is_rows and len(outputs) > 1:
            rows = [array[index, ...] for index in range(len(array))]
            encoded[name] = [json_codec.encode(row, as_text) for row in rows]
        else:
            encoded[name] = json_codec.encode(array, as_text)
    if len(outputs) == 1:
        (values,) = encoded.values()
    elif is_rows:
        rows = zip(*encoded.values(), strict=True)
        values = [dict(zip(encoded, row, strict=True)) for row in rows]
    else:
        values = encoded
    return json_codec.dump({"predictions" if is_rows else "outputs": values})


def _columns(rows: Any, types: Mapping[str, TensorSpec]) -> dict[str, Any]:
    """Gives the values of each input, of all rows."""
    if not isinstance(rows, list) or not rows:
        raise ValueError(
            f"instances must be a list of at least one row. Received: {brief(rows)}"
        )
    if len(types) == 1 and not _is_named(rows[0]):
        return dict.fromkeys(types, rows)
    for index, row in enumerate(rows):
        if not _is_named(row):
            raise ValueError(
                "Each of the instances must be an object with the inputs by name. "
                f"Received in row {index}: {brief(row)}"
            )
        if row.keys() != types.keys():
            check_names(types, row, f"row {index}")
    return {name: [row[name] for row in rows] for name in types}


def _named(values: Any, types: Mapping[str, TensorSpec]) -> dict[str, Any]:
    if _is_named(values):
        check_names(types, values)
        return values
    if len(types) == 1:
        return dict.fromkeys(types, values)
    raise ValueError(
        f"inputs must be an object with the inputs by name. Received: {brief(values)}"
    )


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() != {"b64"}
