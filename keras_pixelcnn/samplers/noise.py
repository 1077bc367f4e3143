"""Uniform and normal noise for sampling: stateless Philox, one seed an example.

The uniforms of an example depend on its seed alone: not on the batch around it, the
replica, the device, XLA, or whether Python or a server runs the graph.
"""

import random
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

ALGORITHM = "philox"

_SPARE_BITS = np.uint32(8)
"""Of 32 random bits float32 holds 24 exactly."""

_STEP = 2.0**-24

_UNIFORMS, _NORMALS = 0, -1
"""What an example's noise is for: no two uses share a key."""


def random_call_seed() -> int:
    """Makes a seed for a call that was given none: another one each time.

    It follows `tf.random.set_seed` where that was called (as by
    `keras.utils.set_random_seed`), else Python's `random.seed`.
    """
    try:
        ours, operation = tf.compat.v1.get_seed(None)
    except RuntimeError:  # of determinism that nobody gave a seed
        ours = None
    if ours is None:
        return random.randrange(2**63)
    return random.Random(f"{ours} {operation}").randrange(2**63)


def example_seeds(seed: tf.Tensor | int, num_examples: tf.Tensor | int) -> tf.Tensor:
    """Makes one seed for each example, from the one integer of a call.

    Example i's seed depends on `seed` and i alone, so that the first images of a large
    batch are those of a small one.

    Args:
        seed: integer scalar, any int64.
        num_examples: number of examples n.

    Returns:
        int64 tensor (n,).
    """
    fold_in = _compiled_fold_in if tf.executing_eagerly() else _fold_in
    return fold_in(tf.cast(seed, tf.int64), tf.cast(num_examples, tf.int64))


def _fold_in(seed: tf.Tensor, num_examples: tf.Tensor) -> tf.Tensor:
    def fold_in(index: tf.Tensor) -> tf.Tensor:
        # Zero and less are left to noise that an example's own seed gives.
        key = tf.stack([seed, index + 1])
        return tf.random.stateless_uniform(
            [], key, minval=None, maxval=None, dtype=tf.int64, alg=ALGORITHM
        )

    signature = tf.TensorSpec([], tf.int64)
    return tf.map_fn(fold_in, tf.range(num_examples), fn_output_signature=signature)


_compiled_fold_in = tf.function(
    _fold_in, input_signature=[tf.TensorSpec([], tf.int64)] * 2, autograph=False
)


def example_uniforms(seeds: tf.Tensor, shape: Sequence[int]) -> tf.Tensor:
    """Draws the uniform noise that each example is sampled with.

    Args:
        seeds: int64 tensor (batch,), one seed an example.
        shape: shape of one example's noise, usually (height, width, channels).

    Returns:
        float32 tensor (batch, *shape), in [0, 1).
    """

    def uniforms(bits: tf.Tensor) -> tf.Tensor:
        # TensorFlow's own uniform floats are made of other bits under XLA.
        return tf.cast(tf.bitwise.right_shift(bits, _SPARE_BITS), tf.float32) * _STEP

    return _example_noise(seeds, shape, _UNIFORMS, uniforms)


def example_normals(seeds: tf.Tensor, shape: Sequence[int]) -> tf.Tensor:
    """Draws the standard normal noise of each example's latent vector.

    Independent of its `example_uniforms`.

    Args:
        seeds: int64 tensor (batch,), one seed an example.
        shape: shape of one example's noise, usually (latent_dim,).

    Returns:
        float32 tensor (batch, *shape).
    """
    # Of each example by itself: the last digit depends on the place in a tensor.
    return _example_noise(seeds, shape, _NORMALS, normals_of_bits)


def normals_of_bits(bits: tf.Tensor) -> tf.Tensor:
    """Makes standard normal numbers of random bits, by the inverse cumulative.

    Args:
        bits: random uint32 tensor (...).

    Returns:
        float32 tensor (...), none beyond 5.4 standard deviations.
    """
    # One bit less than float32 holds, so that the middle of each step is exact: 0 and 1
    # themselves would be infinitely far.
    steps = tf.bitwise.right_shift(bits, _SPARE_BITS + np.uint32(1))
    return tf.math.ndtri((tf.cast(steps, tf.float32) + 0.5) * (2 * _STEP))


def _example_noise(
    seeds: tf.Tensor,
    shape: Sequence[int],
    purpose: int,
    from_bits: Callable[[tf.Tensor], tf.Tensor],
) -> tf.Tensor:
    """Draws the noise of each example: float32 (batch, *shape)."""

    def draw(seed: tf.Tensor) -> tf.Tensor:
        key = tf.stack([seed, tf.constant(purpose, seed.dtype)])
        bits = tf.random.stateless_uniform(
            shape, key, minval=None, maxval=None, dtype=tf.uint32, alg=ALGORITHM
        )
        return from_bits(bits)

    signature = tf.TensorSpec(shape, tf.float32)
    return tf.map_fn(draw, seeds, fn_output_signature=signature)
