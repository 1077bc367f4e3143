"""LevelDistribution: what distributions over levels share, and their seeds."""

from typing import Any

import tensorflow as tf
from tensorflow_probability import distributions as tfd

from keras_pixelcnn.checks import as_numbers


class LevelDistribution(tfd.AutoCompositeTensorDistribution):
    """A distribution over integers, which refuses fractions.

    TensorFlow Probability would cut off the fractions of arrays, to have our dtype.
    """

    def _default_event_space_bijector(self) -> None:
        return None

    def _call_log_prob(self, value: Any, name: str, **kwargs: Any) -> tf.Tensor:
        return super()._call_log_prob(as_numbers(value, "value"), name, **kwargs)

    def _call_prob(self, value: Any, name: str, **kwargs: Any) -> tf.Tensor:
        return super()._call_prob(as_numbers(value, "value"), name, **kwargs)

    def _call_unnormalized_log_prob(
        self, value: Any, name: str, **kwargs: Any
    ) -> tf.Tensor:
        value = as_numbers(value, "value")
        return super()._call_unnormalized_log_prob(value, name, **kwargs)


def of_event_shape(value: tf.Tensor, event_shape: tuple[int, ...]) -> tf.Tensor:
    """Returns values, once the graph has seen that they have the event's shape.

    Args:
        value: of a shape that the graph does not know.
        event_shape: that of one example.

    Returns:
        The values; a run raises `InvalidArgumentError` when their last axes differ.
    """
    shape, rank = tf.shape(value), len(event_shape)
    # Padded, so that a shape of any rank can be compared.
    last = tf.concat([[-1] * rank, shape], axis=0)[-rank:]
    rule = f"Images must have the shape (..., {', '.join(map(str, event_shape))})."
    is_right = tf.reduce_all(tf.equal(last, event_shape))
    check = tf.debugging.Assert(is_right, [rule, "Received:", shape], 8)
    with tf.control_dependencies([check]):
        return tf.identity(value)


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
