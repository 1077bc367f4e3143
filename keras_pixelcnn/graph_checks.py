"""Checks that a graph makes when it runs, answered with a sentence."""

import tensorflow as tf


def checked(
    possible: tf.Tensor, values: tf.Tensor, rule: str, shown: tf.Tensor | None = None
) -> tf.Tensor:
    """The values, once the graph has seen that all of them are possible.

    Args:
        possible: booleans, one for each value; or one for each of `shown`.
        values: any.
        rule: the sentence. It is followed by the first value that breaks it.
        shown: what follows it instead, rows of anything. Default: the values.

    Returns:
        The values; a run raises `InvalidArgumentError` when one is not possible.
    """
    if shown is None:  # a value may also be alone, without axes
        shown, is_wrong = tf.reshape(values, [-1]), tf.reshape(~possible, [-1])
    else:
        is_wrong = ~possible
    wrong = tf.boolean_mask(shown, is_wrong)[:1]
    check = tf.debugging.Assert(tf.reduce_all(possible), [rule, "Received:", wrong])
    with tf.control_dependencies([check]):
        return tf.identity(values)
