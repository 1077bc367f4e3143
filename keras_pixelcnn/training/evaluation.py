"""Evaluation: the exact score of a model over a whole set, on several devices."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from keras_pixelcnn.training.objective import LikelihoodObjective, Objective
from keras_pixelcnn.training.strategies import distribute, pad


class Evaluation:
    """Scores all images of a set, each counted once.

    Args:
        model: a `LikelihoodModel`, or what the objective takes, made in the strategy's
            scope.
        strategy: where.
        batch_size: images scored at once, over all devices.
        objective: what a set is scored by. Default: bits per dimension.
    """

    def __init__(
        self,
        model: Any,
        strategy: tf.distribute.Strategy,
        batch_size: int,
        objective: Objective | None = None,
    ) -> None:
        self._model = model
        self._strategy = strategy
        self._objective = objective or LikelihoodObjective()
        replicas = strategy.num_replicas_in_sync
        self._size = -(-batch_size // replicas) * replicas
        self._compiled = tf.function(self._sum, autograph=False)

    def score(self, batches: Iterable[Mapping[str, np.ndarray]]) -> float:
        """Returns the mean over all images, with the weights as they stand.

        Args:
            batches: features, the same on all workers; of any sizes up to the batch's.

        Raises:
            ValueError: when there are no images.
        """
        total, count = 0.0, 0
        for batch in batches:
            size = len(batch["image"])
            is_real = np.arange(self._size) < size
            rows = {**pad(batch, self._size), "is_real": is_real}
            total += float(self._compiled(distribute(self._strategy, rows)))
            count += size
        if not count:
            raise ValueError("There must be at least one image to score. Received: 0")
        return total / count

    def _sum(self, rows: Any) -> tf.Tensor:
        sums = self._strategy.run(self._sum_on_replica, args=(rows,))
        return self._strategy.reduce("SUM", sums, axis=None)

    def _sum_on_replica(self, rows: dict[str, tf.Tensor]) -> tf.Tensor:
        features = {name: rows[name] for name in rows if name != "is_real"}
        scores = self._objective.losses_of_batch(self._model, features).measured
        scores = tf.cast(scores, tf.float64)
        return tf.reduce_sum(tf.where(rows["is_real"], scores, tf.zeros_like(scores)))
