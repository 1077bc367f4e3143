"""Batches from the host's memory to the devices."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf


def distribute(
    strategy: tf.distribute.Strategy, batch: Mapping[str, np.ndarray]
) -> Any:
    """Deals the rows of a batch out to the devices, in their order.

    Args:
        strategy: its replicas, over all workers, divide the number of rows.
        batch: features that lead with the whole batch, the same on all workers.

    Returns:
        The features of each of this worker's replicas, for `strategy.run`.
    """

    def rows(context: tf.distribute.experimental.ValueContext) -> dict[str, tf.Tensor]:
        replica, replicas = (
            context.replica_id_in_sync_group,
            context.num_replicas_in_sync,
        )
        return {
            name: tf.constant(value[replica * size : (replica + 1) * size])
            for name, value in batch.items()
            for size in [len(value) // replicas]
        }

    return strategy.experimental_distribute_values_from_function(rows)


def pad(batch: Mapping[str, np.ndarray], size: int) -> dict[str, np.ndarray]:
    """Repeats the last row until there are `size` rows."""
    missing = size - len(batch["image"])
    return {
        name: np.concatenate([value, np.repeat(value[-1:], missing, axis=0)])
        for name, value in batch.items()
    }
