"""Signatures of a served model and states of its versions, as a server tells them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from savedmodels.tensor_spec import TensorSpec

_NUMPY_TYPES = {
    "DT_BOOL": np.bool_,
    "DT_DOUBLE": np.float64,
    "DT_FLOAT": np.float32,
    "DT_HALF": np.float16,
    "DT_INT8": np.int8,
    "DT_INT16": np.int16,
    "DT_INT32": np.int32,
    "DT_INT64": np.int64,
    "DT_STRING": np.object_,
    "DT_UINT8": np.uint8,
    "DT_UINT16": np.uint16,
    "DT_UINT32": np.uint32,
    "DT_UINT64": np.uint64,
}


class SignatureSpec(NamedTuple):
    """Inputs and outputs of a signature by name."""

    inputs: dict[str, TensorSpec]
    outputs: dict[str, TensorSpec]


class VersionStatus(NamedTuple):
    """State of one version of a model.

    `state` is one of TF Serving's: "START", "LOADING", "AVAILABLE", "UNLOADING", "END".
    `error` is what went wrong, empty when nothing did.
    """

    version: int
    state: str
    error: str


def parse_signatures(answer: Mapping[str, Any]) -> dict[str, SignatureSpec]:
    """Reads the answer to a request for a model's metadata.

    Signatures of types that NumPy lacks are left aside, and so is the server's own for
    initialising a model.

    Args:
        answer: as JSON spells TF Serving's `GetModelMetadataResponse`.

    Raises:
        ValueError: when it has another form.
    """
    try:
        found = answer["metadata"]["signature_def"]["signature_def"]
        specs = {name: _signature(found[name]) for name in found}
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError("No signatures are where they must be.") from error
    return {
        name: spec
        for name, spec in specs.items()
        if spec is not None and not name.startswith("__")
    }


def _signature(found: Mapping[str, Any]) -> SignatureSpec | None:
    sides = [found.get("inputs", {}), found["outputs"]]
    types = [tensor.get("dtype") for side in sides for tensor in side.values()]
    if not all(dtype in _NUMPY_TYPES for dtype in types):
        return None
    return SignatureSpec(
        *({name: _tensor(tensor) for name, tensor in side.items()} for side in sides)
    )


def _tensor(found: Mapping[str, Any]) -> TensorSpec:
    dtype = np.dtype(_NUMPY_TYPES[found["dtype"]])
    shape = found.get("tensor_shape", {})
    if shape.get("unknown_rank"):
        return TensorSpec(dtype, None)
    # 64-bit integers are strings in the JSON of protocol buffers.
    sizes = [int(dimension.get("size", 0)) for dimension in shape.get("dim", [])]
    return TensorSpec(dtype, tuple(None if size < 0 else size for size in sizes))


def parse_status(answer: Mapping[str, Any]) -> list[VersionStatus]:
    """Reads the answer to a request for a model's status.

    Args:
        answer: as JSON spells TF Serving's `GetModelStatusResponse`.

    Raises:
        ValueError: when it has another form.
    """
    try:
        return [
            VersionStatus(
                int(version["version"]),
                version["state"],
                version.get("status", {}).get("error_message", ""),
            )
            for version in answer["model_version_status"]
        ]
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError("No versions are where they must be.") from error
