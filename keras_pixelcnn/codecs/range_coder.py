"""Range coding by the package `constriction`: values to bytes, in order, and back."""

import importlib
import math
from typing import Any

import numpy as np

_WORD = np.dtype("<u4")

_UNIFORM_PRECISION = 24
"""Bits of the probabilities of values that are equally likely."""

MOST_UNIFORM_VALUES = 2**_UNIFORM_PRECISION
"""So many values can be coded as equally likely."""


def load_constriction() -> Any:
    """The package, or how to get it.

    Raises:
        ImportError: when it is not installed.
    """
    try:
        return importlib.import_module("constriction")
    except ImportError as error:
        raise ImportError(
            "Coding images needs the package constriction. "
            "Run: pip install constriction (or keras-pixelcnn[codecs])"
        ) from error


def _tables_model() -> Any:
    # Not "perfect": that would round tables that are exact already.
    return load_constriction().stream.model.Categorical(perfect=False)


def least_bits_of_uniform(num_values: int) -> float:
    """How many bits a value of `encode_uniform` takes at least: the last one's.

    It has the rest of what the others leave when the probabilities are made whole.
    """
    others = (num_values - 1) * (MOST_UNIFORM_VALUES // num_values)
    return _UNIFORM_PRECISION - math.log2(MOST_UNIFORM_VALUES - others)


class ValueEncoder:
    """Takes values in the order in which they will be decoded."""

    def __init__(self) -> None:
        self._coder = load_constriction().stream.queue.RangeEncoder()
        self._model = _tables_model()

    def encode(self, values: np.ndarray, tables: np.ndarray) -> None:
        """Takes values, each with its own table.

        Args:
            values: int32 (n,).
            tables: float32 (n, num_levels), as `quantiser.frequency_tables` gives.
        """
        self._coder.encode(values, self._model, tables)

    def encode_uniform(self, values: np.ndarray, num_values: int) -> None:
        """Takes values of which all are equally likely.

        Args:
            values: int32 (n,), in [0, `num_values`).
            num_values: at least 2.
        """
        model = load_constriction().stream.model.Uniform(num_values)
        self._coder.encode(values, model)

    def finish(self) -> bytes:
        """All that was encoded."""
        return self._coder.get_compressed().astype(_WORD).tobytes()


class ValueDecoder:
    """Gives values in the order in which they were encoded.

    Args:
        data: what `ValueEncoder.finish` gave: whole words of 4 bytes.
    """

    def __init__(self, data: bytes) -> None:
        words = np.frombuffer(data, _WORD).astype(np.uint32)
        self._coder = load_constriction().stream.queue.RangeDecoder(words)
        self._model = _tables_model()

    def decode(self, tables: np.ndarray) -> np.ndarray:
        """The next values, each of its own table.

        Args:
            tables: as for `ValueEncoder.encode`.

        Returns:
            int32 (n,).
        """
        return self._coder.decode(self._model, tables)

    def decode_uniform(self, count: int, num_values: int) -> np.ndarray:
        """The next values of which all are equally likely, int32 (count,)."""
        model = load_constriction().stream.model.Uniform(num_values)
        return self._coder.decode(model, count)
