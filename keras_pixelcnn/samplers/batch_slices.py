"""Slices of a batch, whose pixels are sampled side by side."""

import copy
import functools
import os
from collections.abc import Callable

import tensorflow as tf

SMALLEST_SLICE = 8
"""Below this a loop of its own costs more than it saves."""

MOST_SLICES = 8
"""Above this the graph grows more than sampling gains."""


class BatchSlices:
    """A batch cut into equal slices, each for a loop of its own.

    What is computed for one pixel is too small to be shared between threads: two loops
    over halves of the batch use two processors, one loop does not.

    Args:
        batch_size: number of examples, at least 1; an integer where it is known.
        most: most slices that are made. Default: one.

    Attributes:
        most: most slices that there can be, an integer.
        count: number of slices; an integer where the batch size is known.
        size: examples in a slice; an integer where the batch size is known.
    """

    def __init__(self, batch_size: tf.Tensor | int, most: int = 1) -> None:
        is_known = isinstance(batch_size, int)
        minimum, maximum = (min, max) if is_known else (tf.minimum, tf.maximum)
        self._batch_size = batch_size
        self.size = maximum(minimum(batch_size, SMALLEST_SLICE), -(-batch_size // most))
        self.count = -(-batch_size // self.size)
        self.most = self.count if is_known else most

    def arrange(self, values: tf.Tensor) -> tf.Tensor:
        """Reshapes (batch, ...) to (count, size, ...), padded with the last example."""
        padded = self.count * self.size
        shape = [self.count, self.size, *values.shape[1:]]
        if not (isinstance(padded, int) and padded == self._batch_size):
            examples = tf.minimum(tf.range(padded), self._batch_size - 1)
            values = tf.gather(values, examples)
        return tf.reshape(values, shape)

    def restore(self, values: tf.Tensor) -> tf.Tensor:
        """Reshapes (count, size, ...) to (batch, ...), without the padding."""
        padded = tf.reshape(values, [self.count * self.size, *values.shape[2:]])
        return padded[: self._batch_size]

    def of_pairs(self) -> "BatchSlices":
        """Returns the same slices with twice the examples in each, to be run."""
        pairs = copy.copy(self)
        pairs.size = 2 * self.size
        return pairs

    def run(self, function: Callable[[tf.Tensor | int], tf.Tensor]) -> tf.Tensor:
        """Calls a function of a slice's index for all slices, side by side.

        Args:
            function: takes an integer or a tensor; returns a tensor, whose shape is the
                same for all slices.

        Returns:
            The results, stacked.
        """
        if self.most == 1:
            return function(0)[tf.newaxis]
        indices = list(range(self.most))
        if not isinstance(self.count, int):
            # XLA looks into a slice even where there is none.
            indices = [tf.minimum(index, self.count - 1) for index in indices]
        # Each call of a function that is not inlined has an executor, and so a thread,
        # of its own. All are of one graph, which need not be made for each.
        run = tf.function(
            function, autograph=False, experimental_attributes={"_noinline": True}
        )
        runs = [
            functools.partial(run, tf.convert_to_tensor(index)) for index in indices
        ]
        if isinstance(self.count, int):
            return tf.stack([run() for run in runs])
        first = runs[0]()
        others = [
            tf.cond(index < self.count, run, lambda: tf.zeros_like(first))
            for index, run in enumerate(runs[1:], start=1)
        ]
        return tf.stack([first, *others])[: self.count]


def at_least_one(batch: tf.Tensor) -> tf.Tensor:
    """Gives an empty batch a row of ones, since some kernels refuse it."""
    if batch.shape[0]:
        return batch
    missing = tf.maximum(1 - tf.shape(batch)[0], 0)
    padding = tf.ones(tf.concat([[missing], tf.shape(batch)[1:]], 0), batch.dtype)
    return tf.concat([batch, tf.ensure_shape(padding, [None, *batch.shape[1:]])], 0)


def most_slices() -> int:
    """Counts the slices that serve on this machine: one a processor, one for a GPU.

    In eager mode one, as graphs alone run operations side by side.
    """
    return 1 if tf.executing_eagerly() else most_slices_in_graphs()


def most_slices_in_graphs() -> int:
    """Counts the slices that serve in a graph, before there is one."""
    if tf.config.list_physical_devices("GPU"):
        return 1
    return min(num_processors(), MOST_SLICES)


def num_processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # on Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
