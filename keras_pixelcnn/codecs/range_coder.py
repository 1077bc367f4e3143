"""Range coding by `constriction`, and the integer frequencies it takes."""

import importlib
import math
from typing import Any

import numpy as np
import tensorflow as tf

_WORD = np.dtype("<u4")

_UNIFORM_PRECISION = 24
"""Bits of the probabilities of values that are equally likely."""

MOST_UNIFORM_VALUES = 2**_UNIFORM_PRECISION
"""So many values can be coded as equally likely."""

PRECISION = 24
"""Frequencies of a table sum to two to this power; a float32 holds each of them."""

_UNITS = 2.0**36
"""The largest weight, in units: float64 then adds up 65,536 of them exactly."""


def load_constriction() -> Any:
    """Imports `constriction`.

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


def frequency_tables(weights: tf.Tensor) -> tf.Tensor:
    """Rounds weights to integer frequencies of levels, each less one.

    Every level has a frequency of at least 1; of what is left each gets its share,
    rounded down, and a likeliest one the rest. So a level is never given more than a
    likelier one. From the weights on all sums are of whole numbers below 2**53 in
    float64, which are exact in any order, so that the tables hang on no processor's way
    to add; and as shares are rounded down, the rest is never negative.

    "Less one" is the form in which `constriction` takes tables over without rounding:
    it gives each level 1 of 2**24, and the others in proportion, here one to one.

    Args:
        weights: float tensor (examples, num_levels), at least 0, one above it.

    Returns:
        float32 tensor (examples, num_levels) of whole numbers, at least 0, rows of the
        sum 2**24 - num_levels; NaN where a weight is NaN or infinite, or all are 0.
    """
    num_levels = weights.shape[-1]
    free = 2.0**PRECISION - num_levels
    weights = tf.cast(weights, tf.float64)
    highest = tf.reduce_max(weights, axis=-1, keepdims=True)
    units = tf.floor(weights * (_UNITS / highest))
    total = tf.reduce_sum(units, axis=-1, keepdims=True)
    shares = tf.floor(units * (free / total))
    rest = free - tf.reduce_sum(shares, axis=-1, keepdims=True)
    likeliest = tf.argmax(units, axis=-1, output_type=tf.int32)
    gets_rest = tf.equal(tf.range(num_levels), likeliest[:, tf.newaxis])
    return tf.cast(tf.where(gets_rest, shares + rest, shares), tf.float32)


def _tables_model() -> Any:
    # Not "perfect": that would round tables that are exact already.
    return load_constriction().stream.model.Categorical(perfect=False)


def least_bits_of_uniform(num_values: int) -> float:
    """Returns the fewest bits that a value of `encode_uniform` takes.

    The last value has what the others leave when probabilities are made whole.
    """
    others = (num_values - 1) * (MOST_UNIFORM_VALUES // num_values)
    return _UNIFORM_PRECISION - math.log2(MOST_UNIFORM_VALUES - others)


class ValueEncoder:
    """Encodes values, in the order in which they will be decoded."""

    def __init__(self) -> None:
        self._coder = load_constriction().stream.queue.RangeEncoder()
        self._model = _tables_model()

    def encode(self, values: np.ndarray, tables: np.ndarray) -> None:
        """Encodes values, each with its own table.

        Args:
            values: int32 (n,).
            tables: float32 (n, num_levels), as `frequency_tables` gives.
        """
        self._coder.encode(values, self._model, tables)

    def encode_uniform(self, values: np.ndarray, num_values: int) -> None:
        """Encodes values that are all equally likely.

        Args:
            values: int32 (n,), in [0, `num_values`).
            num_values: at least 2.
        """
        model = load_constriction().stream.model.Uniform(num_values)
        self._coder.encode(values, model)

    def finish(self) -> bytes:
        """Returns the bytes of all that was encoded."""
        return self._coder.get_compressed().astype(_WORD).tobytes()


class ValueDecoder:
    """Decodes values, in the order in which they were encoded.

    Args:
        data: what `ValueEncoder.finish` gave: whole words of 4 bytes.
    """

    def __init__(self, data: bytes) -> None:
        words = np.frombuffer(data, _WORD).astype(np.uint32)
        self._coder = load_constriction().stream.queue.RangeDecoder(words)
        self._model = _tables_model()

    def decode(self, tables: np.ndarray) -> np.ndarray:
        """Decodes the next values, each with its own table.

        Args:
            tables: as for `ValueEncoder.encode`.

        Returns:
            int32 (n,).
        """
        return self._coder.decode(self._model, tables)

    def decode_uniform(self, count: int, num_values: int) -> np.ndarray:
        """Decodes values that are all equally likely, int32 (count,)."""
        model = load_constriction().stream.model.Uniform(num_values)
        return self._coder.decode(model, count)
