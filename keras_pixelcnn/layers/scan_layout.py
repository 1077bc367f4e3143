"""Rows as the raster scan has them: (slices, width, examples, features)."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

RowConditioning = Callable[[tf.Tensor, int], tf.Tensor]
"""Maps the index of a row and a number of rows to their conditioning."""


def as_row(features: tf.Tensor, num_slices: Any, batch_size: Any) -> tf.Tensor:
    """(slices x examples, 1, width, n) as (slices, width, examples, n).

    What is one for all examples stays that: (1, 1, width, n) as (1, width, 1, n).
    """
    if features.shape[0] == 1:
        num_slices = batch_size = 1
    shape = [num_slices, batch_size, *features.shape[2:]]
    return tf.transpose(tf.reshape(features, shape), [0, 2, 1, 3])


def by_group(row: tf.Tensor, color_groups: int) -> tf.Tensor:
    """A row whose features lie group by group, for steps that take one at a time.

    Args:
        row: (slices, width, examples, features).
        color_groups: into how many groups the features are dealt out.

    Returns:
        (slices, width, groups, examples, features / groups); with one group the row.
    """
    if color_groups == 1:
        return row
    sizes = tf.shape(row)
    position = [known or sizes[axis] for axis, known in enumerate(row.shape[:-1])]
    shape = [*position, color_groups, row.shape[-1] // color_groups]
    return tf.transpose(tf.reshape(row, shape), [0, 1, 3, 2, 4])
