"""Tensors as JSON, in rows and in columns, as the REST interface knows them."""

import json
from typing import Any, NamedTuple

from savedmodels.server.errors import ServingError, invalid
from savedmodels.server.json_arrays import brief, from_array, text_of, to_array
from savedmodels.server.saved_model import Arrays, ServedSignature


class JsonRequest(NamedTuple):
    """The body of a request.

    Attributes:
        signature_name: which signature to run; empty for the default one.
        rows: whether `values` are rows ("instances"), else columns ("inputs").
        values: the inputs, not converted yet.
    """

    signature_name: str
    rows: bool
    values: Any


def parse_request(body: bytes) -> JsonRequest:
    """Reads the body of a request.

    Raises:
        ServingError: INVALID_ARGUMENT, when it is not what the interface takes.
    """
    try:
        document = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise invalid(f"The body must be JSON in UTF-8. Received: {error}") from None
    except (ValueError, RecursionError) as error:
        raise invalid(f"The body must be JSON. Received: {error}") from None
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
            "columns. "
            f"Received: {brief(sorted(document))}"
        )
    return JsonRequest(name, forms == ["instances"], document[forms[0]])


def arrays_of(request: JsonRequest, signature: ServedSignature) -> Arrays:
    """The inputs of a request as arrays of the signature's types.

    Raises:
        ServingError: INVALID_ARGUMENT, when names or types are others, lists are
            ragged, or numbers are too large.
    """
    names = list(signature.inputs)
    columns = (_columns if request.rows else _named)(request.values, names, signature)
    return {
        name: to_array(name, values, signature.inputs[name])
        for name, values in columns.items()
    }


def num_characters(outputs: Arrays) -> int:
    """About how long the body of an answer is."""
    return sum(
        sum(map(len, array.flat)) if array.dtype == object else 4 * array.size
        for array in outputs.values()
    )


def json_of(outputs: Arrays, rows: bool) -> str:
    """The body of an answer, in the form of the request.

    A single output stands alone, without its name. Numbers that are not finite are
    written as NaN, Infinity and -Infinity, as TensorFlow Serving does.
    """
    if rows and len(outputs) > 1:
        return json.dumps({"predictions": _rows(outputs)})
    texts = {name: text_of(name, value) for name, value in outputs.items()}
    if len(texts) == 1:
        (text,) = texts.values()
    else:
        pairs = (f"{json.dumps(name)}: {text}" for name, text in texts.items())
        text = f"{{{', '.join(pairs)}}}"
    return f'{{"{"predictions" if rows else "outputs"}": {text}}}'


def _rows(outputs: Arrays) -> list[dict[str, Any]]:
    columns = {name: from_array(name, value) for name, value in outputs.items()}
    return [
        dict(zip(columns, row, strict=True))
        for row in zip(*columns.values(), strict=True)
    ]


def _columns(rows: Any, names: list[str], signature: ServedSignature) -> dict[str, Any]:
    """The values of each input, of all rows."""
    if not isinstance(rows, list) or not rows:
        raise invalid(
            f"instances must be a list of at least one row. Received: {brief(rows)}"
        )
    if len(names) == 1 and not _is_named(rows[0]):
        return {names[0]: rows}
    expected = set(names)
    for index, row in enumerate(rows):
        if not _is_named(row):
            raise invalid(
                "Each of the instances must be an object with the inputs by name. "
                f"Received in row {index}: {brief(row)}"
            )
        if row.keys() != expected:
            try:
                signature.check_names(list(row))
            except ServingError as error:
                raise invalid(f"{error.message}, in row {index}") from None
    return {name: [row[name] for row in rows] for name in names}


def _named(values: Any, names: list[str], signature: ServedSignature) -> dict[str, Any]:
    if _is_named(values):
        signature.check_names(list(values))
        return values
    if len(names) == 1:
        return {names[0]: values}
    raise invalid(
        f"inputs must be an object with the inputs by name. Received: {brief(values)}"
    )


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() != {"b64"}
