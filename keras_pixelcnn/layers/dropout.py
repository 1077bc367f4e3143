"""Stateless dropout, and gradient checkpointing, which repeats a pass with it."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class StatelessDropout(keras.layers.Dropout):
    """Dropout that the same seed repeats, and that differs between replicas.

    `keras.layers.Dropout` advances its seed in every call, so that a pass that is
    repeated for the gradient (see `recompute`) would not be the pass that gave the
    loss; and it drops the same features on all replicas.

    Args:
        rate: share of the features dropped in training, in [0, 1].
        noise_shape: as for `keras.layers.Dropout`.
        seed: integer that the layer's seeds begin with. Default: drawn at random.

    Call arguments:
        inputs: float tensor of any shape.
        training: whether anything is dropped.
        dropout_seed: int64 tensor (2,) that fixes what is dropped, as `draw_seed` gives
            it. Default: a new one.

    Returns:
        Float tensor of the input's shape and type.
    """

    def call(
        self,
        inputs: tf.Tensor,
        training: bool | None = False,
        dropout_seed: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Drops features."""
        if not training or not self.rate:
            return inputs
        seed = self.draw_seed() if dropout_seed is None else dropout_seed
        if self.rate == 1:
            return tf.zeros_like(inputs)
        shape = tf.shape(inputs)
        if self.noise_shape is not None:
            sizes = enumerate(self.noise_shape)
            shape = [shape[i] if size is None else size for i, size in sizes]
        kept = draw_kept(shape, self.rate, seed)
        return tf.where(kept, inputs * (1 / (1 - self.rate)), tf.zeros_like(inputs))

    def draw_seed(self) -> tf.Tensor | None:
        """Draws the seed of the next call; None where nothing is ever dropped."""
        return draw_seed(self.seed_generator) if self.rate else None


def draw_seed(seed_generator: keras.random.SeedGenerator) -> tf.Tensor:
    """Draws a seed that no other step and no other replica draws.

    Args:
        seed_generator: advanced by one step, the same on all replicas.

    Returns:
        int64 tensor (2,).
    """
    seed, step = tf.unstack(tf.cast(seed_generator.next(), tf.int64))
    replica = tf.distribute.get_replica_context()
    if replica is not None:
        replicas = replica.num_replicas_in_sync
        step = step * replicas + tf.cast(replica.replica_id_in_sync_group, tf.int64)
    return tf.stack([seed, step])


def draw_kept(shape: tf.Tensor, rate: float, seed: tf.Tensor) -> tf.Tensor:
    """Draws which features are kept.

    Args:
        shape: of the result.
        rate: share that is dropped, in [0, 1).
        seed: int64 (2,), as `draw_seed` gives it; fixes the result, with XLA or
            without.

    Returns:
        Booleans of the shape.
    """
    # Integers: TensorFlow's uniform floats are made of other bits under XLA, and those
    # of bfloat16 are too coarse for small rates.
    bits = tf.random.stateless_uniform(
        shape, seed, minval=None, maxval=None, dtype=tf.uint32, alg="philox"
    )
    return bits >= tf.constant(min(round(rate * 2**32), 2**32 - 1), tf.uint32)


def recompute(function: Callable[..., Any], *inputs: Any) -> Any:
    """Calls a function with gradient checkpointing: only its inputs are kept.

    The backward pass computes what is inside again; the gradient is the same.

    Args:
        function: of tensors; what it draws at random must be drawn outside of it.
        *inputs: the tensors, or nested structures of them; None stays None.

    Returns:
        What the function returns.

    References:
        Chen et al. 2016, arXiv 1604.06174.
    """
    flat = tf.nest.flatten(inputs)

    def run(*tensors: tf.Tensor) -> Any:
        given = iter(tensors)
        filled = [None if each is None else next(given) for each in flat]
        # Else what needs some of the inputs only would be computed ahead, for all the
        # blocks of a model at once.
        with tf.control_dependencies(tensors):
            return function(*tf.nest.pack_sequence_as(inputs, filled))

    return keras.remat(run)(*(each for each in flat if each is not None))
