"""Distribution strategies: one device, all of a machine, or those of several."""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

NAMES = ("auto", "one", "mirrored", "multi_worker")

_NO_PARAMETER_SERVER = (
    "Parameter servers are not supported: Keras 3 does not train under "
    "ParameterServerStrategy, and steps that are taken one after the other on old "
    "weights could not be repeated. Use mirrored for the devices of one machine, "
    "multi_worker for several machines."
)
_WORKER_IS_GONE = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)
_EXAMPLE = (
    '{"cluster": {"worker": ["host0:12345", "host1:12345"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


def make_strategy(
    name: str = "auto", num_logical_cpus: int | None = None
) -> tf.distribute.Strategy:
    """Makes the strategy of a name.

    It should come before whatever else TensorFlow does in the process: several workers
    must make theirs before any other operation.

    Args:
        name: "one", a single device; "mirrored", all GPUs of this machine, or all
            logical CPUs if it has none; "multi_worker", all devices of the machines
            that the environment variable TF_CONFIG names; or "auto", several workers if
            TF_CONFIG names several, else mirrored if there are several GPUs, else one.
        num_logical_cpus: divides the processors into so many devices, to try out
            several devices without any GPU. Default: as TensorFlow has it.

    Raises:
        ValueError: when there is no such strategy, or TF_CONFIG does not fit.
    """
    if name == "parameter_server":
        raise ValueError(f"{_NO_PARAMETER_SERVER} Received: {name!r}")
    if name not in NAMES:
        raise ValueError(f"strategy must be one of {NAMES}. Received: {name!r}")
    if num_logical_cpus is not None:
        divide_cpus(num_logical_cpus)
    workers = _read_cluster()
    if name == "auto":
        several_gpus = len(tf.config.list_physical_devices("GPU")) > 1
        name = "mirrored" if several_gpus else "one"
        name = "multi_worker" if len(workers) > 1 else name
    if name == "multi_worker":
        if not workers:
            raise ValueError(
                "strategy multi_worker finds its workers in the environment variable "
                "TF_CONFIG, in each process with its own index: "
                f"TF_CONFIG='{_EXAMPLE}' "
                f"Received: TF_CONFIG={os.environ.get('TF_CONFIG')!r}"
            )
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "mirrored":
        kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
        return tf.distribute.MirroredStrategy(tf.config.list_logical_devices(kind))
    return tf.distribute.get_strategy()


def divide_cpus(number: int) -> None:
    """Divides the processors into several logical devices, before TensorFlow starts.

    Raises:
        ValueError: when the number is less than 1, or TensorFlow runs already.
    """
    if number < 1:
        raise ValueError(f"num_logical_cpus must be at least 1. Received: {number}")
    cpu = tf.config.list_physical_devices("CPU")[0]
    devices = [tf.config.LogicalDeviceConfiguration()] * number
    try:
        tf.config.set_logical_device_configuration(cpu, devices)
    except RuntimeError as error:
        raise ValueError(
            "num_logical_cpus must be set before TensorFlow does anything else in the "
            f"process. {error}"
        ) from error


def _read_cluster() -> list[str]:
    """Returns the addresses of the workers in TF_CONFIG, the chief's first."""
    text = os.environ.get("TF_CONFIG", "")
    try:
        config = json.loads(text) if text.strip() else {}
        cluster = config.get("cluster", {})
        jobs = [cluster.get("chief", []), cluster.get("worker", [])]
        if any(isinstance(addresses, str) for addresses in jobs):
            raise TypeError("a text in the place of a list")
        workers = [*jobs[0], *jobs[1]]
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(
            f"TF_CONFIG must be JSON such as {_EXAMPLE} Received: {text}"
        ) from error
    if "ps" in cluster:
        raise ValueError(f"{_NO_PARAMETER_SERVER} Received: TF_CONFIG={text}")
    if workers:
        _check_task(config.get("task"), cluster, text)
    return workers


def _check_task(task: Any, cluster: Mapping[str, Any], text: str) -> None:
    task = task if isinstance(task, dict) else {}
    kind, index = task.get("type"), task.get("index")
    is_known = kind in ("chief", "worker") and kind in cluster
    if not is_known or index not in range(len(cluster[kind])):
        raise ValueError(
            "The task of TF_CONFIG must be one of its cluster's chief or workers, as "
            f"in {_EXAMPLE} Received: {text}"
        )


def is_multi_worker(strategy: tf.distribute.Strategy) -> bool:
    """Returns whether several processes train together."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Returns whether this process writes: it is the only one, or the first."""
    resolver = strategy.cluster_resolver if is_multi_worker(strategy) else None
    if resolver is None or not resolver.task_type or resolver.task_type == "chief":
        return True
    has_chief = "chief" in resolver.cluster_spec().jobs
    return not has_chief and resolver.task_id == 0


def check_agreement(strategy: tf.distribute.Strategy, step: int) -> None:
    """Checks that all workers go on from the same step; waits for all of them.

    Raises:
        ValueError: when they do not.
    """
    if not is_multi_worker(strategy):
        return
    found = sorted(set(_gather(strategy, step)))
    if len(found) > 1:
        raise ValueError(
            "All workers must read the same checkpoints: the workdir must lie on "
            "storage that all machines share, under the same path. Received: workers "
            f"that would go on from the steps {found}"
        )


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Waits until every worker has come this far."""
    if is_multi_worker(strategy):
        _gather(strategy, 0)


def distribute(
    strategy: tf.distribute.Strategy, batch: Mapping[str, np.ndarray]
) -> Any:
    """Divides the rows of a batch among the devices, in their order.

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


@contextlib.contextmanager
def lost_workers_explained(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Replaces TensorFlow's errors about a lost worker by a sentence.

    Raises:
        ConnectionError: when that happened inside the block.
    """
    try:
        yield
    except _WORKER_IS_GONE as error:
        if not is_multi_worker(strategy):
            raise
        raise ConnectionError(
            "Another worker is gone, and none can go on alone. Start all of them again "
            "by the same commands: they go on after the last checkpoint."
        ) from error


def _gather(strategy: tf.distribute.Strategy, number: int) -> list[int]:
    """Returns every replica's number, of all workers."""

    def gather(number: tf.Tensor) -> tf.Tensor:
        replica = tf.distribute.get_replica_context()
        return replica.all_gather(tf.reshape(number, [1]), axis=0)

    run = tf.function(
        lambda number: strategy.run(gather, args=(number,)), autograph=False
    )
    gathered = run(tf.constant(number, tf.int64))
    return strategy.experimental_local_results(gathered)[0].numpy().tolist()
