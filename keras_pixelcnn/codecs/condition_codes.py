"""Conditions in a stream: labels travel, what is as large as images does not.

Each image has a code: 0 for one without a condition where a model can do without, then
the labels; or 1 where a model without labels has a condition. All codes are coded as
equally likely. Of embeddings and maps a checksum travels, and whoever decodes passes
them again.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from keras_pixelcnn.codecs.errors import DamagedStreamError, WrongModelError
from keras_pixelcnn.codecs.fingerprint import digest
from keras_pixelcnn.codecs.range_coder import ValueDecoder, ValueEncoder

_TRAVEL = ("label", "has_condition")


class CodedConditions(NamedTuple):
    """What a stream holds of the conditions of its images."""

    codes: bytes
    others_digest: bytes


def encode(
    conditions: Any, given: Mapping[str, Any], num_images: int
) -> tuple[CodedConditions, dict[str, np.ndarray]]:
    """Conditions as bytes, and the model's inputs that a decoder will have too.

    Args:
        conditions: of the model.
        given: by name, as a user passed them.
        num_images: how many images there are.

    Raises:
        ValueError: when a condition is missing, unknown or not as the model takes it.
    """
    inputs = _prepared(conditions, given, num_images)
    codes = _codes(conditions, inputs, num_images)
    if conditions.optional and not codes.any():
        none = _prepared(conditions, {}, num_images)
        return CodedConditions(b"", b""), none
    data = b""
    if _num_codes(conditions) > 1:
        encoder = ValueEncoder()
        encoder.encode_uniform(codes, _num_codes(conditions))
        data = encoder.finish()
    inputs |= _as_inputs(conditions, codes)
    return CodedConditions(data, _others_digest(inputs)), inputs


def decode(
    conditions: Any, coded: CodedConditions, given: Mapping[str, Any], num_images: int
) -> dict[str, np.ndarray]:
    """The model's inputs beside the images.

    Args:
        conditions: of the model.
        coded: as `encode` gave it.
        given: those that do not travel, by name, as a user passed them.
        num_images: how many images there are.

    Raises:
        ValueError: when `given` is not what the model takes beside that.
        WrongModelError: when it is not what was given to the encoder.
        DamagedStreamError: when the codes are none.
    """
    known = [name for name in _TRAVEL if given.get(name) is not None]
    if known:
        raise ValueError(
            "Labels travel in the stream, and cannot be given. Received: "
            f"{', '.join(known)}"
        )
    conditions.check_names(given)
    if conditions.optional and not coded.codes:
        return _prepared(conditions, {}, num_images)
    codes = _decoded(coded.codes, _num_codes(conditions), num_images)
    inputs = _prepared(
        conditions, {**given, **_as_inputs(conditions, codes)}, num_images
    )
    if _others_digest(inputs) != coded.others_digest:
        raise WrongModelError(
            "The conditions must be those that the images were compressed with. "
            f"Received: others, of {sorted(given)}"
        )
    return inputs


def _prepared(
    conditions: Any, given: Mapping[str, Any], num_images: int
) -> dict[str, np.ndarray]:
    inputs = conditions.prepare(given, num_images)
    return {name: np.asarray(value) for name, value in inputs.items()}


def _num_codes(conditions: Any) -> int:
    labels = conditions.num_classes if "label" in conditions.shapes else 1
    return labels + bool(conditions.optional)


def _codes(
    conditions: Any, inputs: Mapping[str, np.ndarray], num_images: int
) -> np.ndarray:
    label = inputs.get("label", np.zeros(num_images, np.int32))
    if not conditions.optional:
        return label
    return np.where(inputs["has_condition"] > 0, label + 1, 0).astype(np.int32)


def _as_inputs(conditions: Any, codes: np.ndarray) -> dict[str, np.ndarray]:
    inputs = {}
    if conditions.optional:
        inputs["has_condition"] = (codes > 0).astype(np.int32)
        codes = codes - 1
    if "label" in conditions.shapes:
        inputs["label"] = codes.astype(np.int32)
    return inputs


def _decoded(data: bytes, num_codes: int, num_images: int) -> np.ndarray:
    if num_codes == 1 or not num_images:
        return np.zeros(num_images, np.int32)
    if len(data) % 4:
        raise DamagedStreamError("The stream is damaged: its conditions are cut.")
    try:
        return ValueDecoder(data).decode_uniform(num_images, num_codes)
    except Exception as error:
        raise DamagedStreamError(
            f"The stream is damaged: its conditions make no sense: {error}"
        ) from error


def _others_digest(inputs: Mapping[str, np.ndarray]) -> bytes:
    others = [inputs[name] for name in sorted(inputs) if name not in _TRAVEL]
    return digest(*others) if others else b""
