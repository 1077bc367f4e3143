"""Digests: of a model, so that a stream is not decoded by another one, and of data."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import numpy as np

NUM_BYTES = 16
"""Of a model's fingerprint."""

DIGEST_BYTES = 8
"""Of what tells whether data are whole."""

_NAMES = ("name", "trainable")
"""What a config holds that changes no probability."""


def fingerprint(model: Any) -> bytes:
    """What tells a model, with its weights as they stand, from others.

    Args:
        model: a Keras model whose config holds all that its probabilities depend on
            beside the weights.

    Returns:
        `NUM_BYTES` bytes, from the class, the config and every weight.
    """
    config = {k: v for k, v in model.get_config().items() if k not in _NAMES}
    found = hashlib.blake2b(digest_size=NUM_BYTES)
    found.update(type(model).__name__.encode())
    found.update(json.dumps(config, sort_keys=True, default=repr).encode())
    for weight in model.weights:
        values = np.ascontiguousarray(weight.numpy())
        found.update(f"{values.shape}{values.dtype}".encode())
        found.update(values.view(np.uint8).data if values.size else b"")
    return found.digest()


def digest(*parts: bytes | np.ndarray) -> bytes:
    """`DIGEST_BYTES` bytes that change with any of the parts."""
    return digest_of(parts)


def digest_of(parts: Iterable[bytes | np.ndarray]) -> bytes:
    """As `digest`, of parts that need not all be there at once."""
    found = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        found.update(
            part if isinstance(part, bytes) else np.ascontiguousarray(part).data
        )
    return found.digest()
