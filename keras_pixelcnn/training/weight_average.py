"""WeightAverage: a running average of the weights, which is validated and saved."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf


class WeightAverage:
    """An exponential moving average of weights.

    In the first steps it looks back less far, min(momentum, (1 + n) / (10 + n)) after n
    steps, so that the initial weights are soon forgotten.

    Args:
        variables: Keras variables.
        momentum: in (0, 1).
        strategy: under which the variables were made.

    Attributes:
        values: the averages, `tf.Variable`s in the order of the variables.
    """

    def __init__(
        self,
        variables: Sequence[Any],
        momentum: float,
        strategy: tf.distribute.Strategy,
    ) -> None:
        self._variables = list(variables)
        self._momentum = momentum
        self._strategy = strategy
        with strategy.scope():
            self.values = [
                tf.Variable(variable.value, trainable=False)
                for variable in self._variables
            ]

    def update(self, steps: tf.Tensor) -> None:
        """Takes in the weights; in a graph, outside of the replicas.

        Args:
            steps: number of updates of the weights so far.
        """
        done = tf.cast(steps, tf.float32)
        momentum = tf.minimum(self._momentum, (1 + done) / (10 + done))
        for average, variable in zip(self.values, self._variables, strict=True):
            self._strategy.extended.update(
                average,
                lambda average, value, momentum: average.assign_sub(
                    tf.cast(1 - momentum, average.dtype) * (average - value)
                ),
                args=(variable.value, momentum),
                group=False,
            )

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Puts the averages in the place of the weights, and the weights back, exactly.

        Yields:
            Nothing; inside the block the model is the averaged one.
        """
        kept = [tf.identity(variable.value) for variable in self._variables]
        self._put([tf.identity(average) for average in self.values])
        try:
            yield
        finally:
            self._put(kept)

    def _put(self, values: list[tf.Tensor]) -> None:
        for variable, value in zip(self._variables, values, strict=True):
            variable.assign(value)
