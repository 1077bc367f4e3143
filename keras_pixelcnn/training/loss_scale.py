"""LossScale: keeps 16-bit gradients from vanishing and overflowing."""

import tensorflow as tf

_FIRST = 2.0**15
_STEPS_TO_GROW = 2000


class LossScale:
    """A factor of the loss that halves where gradients overflow, and grows back.

    Args:
        strategy: under which the model was made.

    Attributes:
        variables: the state, to be saved.
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        with strategy.scope():
            self.factor = tf.Variable(_FIRST, trainable=False)
            self._good_steps = tf.Variable(0, trainable=False, dtype=tf.int64)
        self.variables = [self.factor, self._good_steps]

    def update(self, is_finite: tf.Tensor) -> None:
        """Halves the factor, or doubles it after many good steps; in a graph.

        Args:
            is_finite: whether the step's gradient was.
        """
        good = tf.where(is_finite, self._good_steps + 1, 0)
        grows = good >= _STEPS_TO_GROW
        factor = tf.where(is_finite, self.factor, tf.maximum(self.factor / 2, 1.0))
        self.factor.assign(tf.where(grows, factor * 2, factor))
        self._good_steps.assign(tf.where(grows, tf.zeros_like(good), good))
