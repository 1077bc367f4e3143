"""Bodies of the REST interface: inputs and outputs in rows and in columns."""

from typing import Any, NamedTuple

import numpy as np

from savedmodels import json_codec
from savedmodels.json_codec import brief
from savedmodels.server.errors import ServingError, invalid
from savedmodels.server.saved_model import Arrays, LoadedSignature

BYTES_SUFFIX = "_bytes"
"""Outputs of strings whose names end so are bytes, and are sent as base64."""


class JsonRequest(NamedTuple):
    """The body of a request: rows ("instances") or columns ("inputs") of values.

    The signature's name is empty for the default one.
    """

    signature_name: str
    is_rows: bool
    values: Any


def parse_request(body: bytes, max_lists: int) -> JsonRequest:
    """Reads the body of a request.

    Args:
        body: JSON.
        max_lists: how many lists and objects it may hold. They are counted first: a few
            megabytes of empty ones would keep the interpreter busy for seconds.

    Raises:
        ServingError: INVALID_ARGUMENT, when it is not what the interface takes.
    """
    count = body.count(b"[") + body.count(b"{")
    if count > max_lists:
        raise invalid(
            f"The body must have at most {max_lists} lists and objects, as many as the "
            f"model's largest batch takes. Received: {count}"
        )
    try:
        document = json_codec.parse(body)
    except ValueError as error:
        raise invalid(f"The body must be JSON, in UTF-8. Received: {error}") from None
    if not isinstance(document, dict):
        raise invalid(
            'The body must be a JSON object, {"instances": [...]} or {"inputs": ...}. '
            f"Received: {brief(document)}"
        )
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(f"signature_name must be a string. Received: {brief(name)}")
    forms = [form for form in ("instances", "inputs") if form in document]
    if len(forms) != 1:
        raise invalid(
            "The body must have either 'instances', for rows, or 'inputs', for "
            f"columns. Received: {brief(sorted(document))}"
        )
    return JsonRequest(name, forms == ["instances"], document[forms[0]])


def read_inputs(request: JsonRequest, signature: LoadedSignature) -> Arrays:
    """Makes arrays of the signature's types of the inputs of a request.

    Raises:
        ServingError: INVALID_ARGUMENT, when names or types are others, lists are
            ragged, or numbers are too large.
    """
    columns = (_columns if request.is_rows else _named)(request.values, signature)
    inputs = {}
    for name, values in columns.items():
        spec = signature.inputs[name]
        # One dimension too many is let through: then an error tells the whole shape.
        rank = spec.shape.rank
        deepest = json_codec.DEEPEST if rank is None else rank + 1
        dtype = np.dtype(spec.dtype.as_numpy_dtype)
        try:
            inputs[name] = json_codec.decode(name, values, dtype, deepest)
        except ValueError as error:
            raise invalid(str(error)) from None
    return inputs


def write_outputs(outputs: Arrays, is_rows: bool) -> bytes:
    """Writes the body of an answer, in the form of the request.

    A single output stands alone, without its name.
    """
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


def num_characters(outputs: Arrays) -> int:
    """Estimates how long the body of an answer is."""
    return sum(
        sum(map(len, array.flat)) if array.dtype == object else 4 * array.size
        for array in outputs.values()
    )


def _columns(rows: Any, signature: LoadedSignature) -> dict[str, Any]:
    """Gives the values of each input, of all rows."""
    if not isinstance(rows, list) or not rows:
        raise invalid(
            f"instances must be a list of at least one row. Received: {brief(rows)}"
        )
    if len(signature.inputs) == 1 and not _is_named(rows[0]):
        return dict.fromkeys(signature.inputs, rows)
    for index, row in enumerate(rows):
        if not _is_named(row):
            raise invalid(
                "Each of the instances must be an object with the inputs by name. "
                f"Received in row {index}: {brief(row)}"
            )
        if row.keys() != signature.inputs.keys():
            try:
                signature.check_names(row)
            except ServingError as error:
                raise invalid(f"{error.message}, in row {index}") from None
    return {name: [row[name] for row in rows] for name in signature.inputs}


def _named(values: Any, signature: LoadedSignature) -> dict[str, Any]:
    if _is_named(values):
        signature.check_names(values)
        return values
    if len(signature.inputs) == 1:
        return dict.fromkeys(signature.inputs, values)
    raise invalid(
        f"inputs must be an object with the inputs by name. Received: {brief(values)}"
    )


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() != {"b64"}
