"""Pixels that are known beforehand, so that only the others are drawn."""

from typing import NamedTuple

import tensorflow as tf


class KnownPixels(NamedTuple):
    """Images of which some values are given, any in each example."""

    image: tf.Tensor
    """int32 (batch, height, width, channels); what is not known may be anything."""
    mask: tf.Tensor
    """bool (batch, height, width, channels): True where the value is known."""

    def num_top_rows(self) -> tf.Tensor:
        """Counts the rows from the top that are known in every image: int32 ()."""
        known = tf.cast(tf.reduce_all(self.mask, axis=[0, 2, 3]), tf.int32)
        return tf.reduce_sum(tf.math.cumprod(known))

    def columns_to_visit(self) -> tf.Tensor:
        """Counts each row's columns up to the last unknown one: int32 (height,).

        What comes after them needs no step; in a row that is known there are none.
        """
        unknown = ~tf.reduce_all(self.mask, axis=[0, 3])
        columns = tf.range(1, tf.shape(unknown)[1] + 1)
        return tf.reduce_max(tf.where(unknown, columns, 0), axis=1)
