"""Seeds as TensorFlow Probability takes them."""

from typing import Any

import tensorflow as tf


def as_call_seed(seed: Any) -> Any:
    """Makes the one integer of a call of any seed that TFP takes.

    Raises:
        ValueError: when the seed is neither None, an integer nor two integers.
    """
    if seed is None:
        return seed
    if isinstance(seed, int):  # of any size: seed streams give 512 bits
        return (seed + 2**63) % 2**64 - 2**63
    seed = tf.convert_to_tensor(seed)
    if seed.dtype.is_integer and seed.shape == (2,):  # two 32-bit halves
        return tf.bitcast(tf.cast(seed, tf.int32), tf.int64)
    if seed.dtype.is_integer and seed.shape == ():
        return seed
    raise ValueError(
        "seed must be None, an integer, or two integers (a stateless seed). "
        f"Received: {seed!r}"
    )
