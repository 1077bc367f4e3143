"""Checks that a graph makes when it runs, answered with a sentence."""

import tensorflow as tf


def checked(
    possible: tf.Tensor, values: tf.Tensor, rule: str, shown: tf.Tensor | None = None
) -> tf.Tensor:
    """The values, once the graph has seen that all of them are possible.

    Args:
        possible: booleans, one for each value, or for each row of them.
        values: any.
        rule: the sentence. It is followed by the first value that breaks it.
        shown: what follows it instead, of the values' first axes. Default: the values.

    Returns:
        The values; a run raises `InvalidArgumentError` when one is not possible.
    """
    wrong = tf.boolean_mask(values if shown is None else shown, ~possible)[:1]
    check = tf.debugging.Assert(tf.reduce_all(possible), [rule, "Received:", wrong])
    with tf.control_dependencies([check]):
        return tf.identity(values)
