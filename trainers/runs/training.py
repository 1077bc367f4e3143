"""The driver of all training programs: a run from its config to its results."""

import dataclasses
import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import tensorflow as tf

from keras_pixelcnn.files import read_json
from keras_pixelcnn.training import Preemption, strategies
from trainers.runs.config import to_dict
from trainers.runs.data import label_errors_explained
from trainers.runs.run import Run, RunStopped, make_repeatable
from trainers.runs.run_folder import RunFolder, full_disk_explained


@dataclasses.dataclass(frozen=True)
class RunKind:
    """The parts that tell the runs of one program from those of another.

    Attributes:
        check_config: raises ValueError where a config is wrong.
        load_data: loads the data of a config.
        train: trains all models of a run by `Run.fit`, and returns what `write_results`
            takes.
        write_results: measures a trained run, writes its results, `metrics.json` last,
            and returns the content of that.
        format_table: writes the metrics of a finished run as a table.
        metric: a metric that every finished run has.
        complete: chooses what a config leaves open, for a folder and a strategy.
            Default: nothing is.
    """

    check_config: Callable[[Mapping[str, Any]], None]
    load_data: Callable[[Mapping[str, Any]], Any]
    train: Callable[[Run], Any]
    write_results: Callable[[Run, Any], dict[str, Any]]
    format_table: Callable[[Mapping[str, Any]], str]
    metric: str
    complete: Callable[[dict[str, Any], RunFolder, Any], dict[str, Any]] = (
        lambda config, folder, strategy: config
    )


def train(
    config: Mapping[str, Any],
    workdir: str | os.PathLike[str],
    strategy: tf.distribute.Strategy | None = None,
    on_nonfinite: str = "stop",
    *,
    kind: RunKind,
) -> dict[str, Any] | None:
    """Trains as a config says, keeps the weights that validate best, and scores those.

    A run that was interrupted goes on after its last checkpoint. A finished run is not
    trained again: its metrics are printed as they were. Of several workers the chief
    writes.

    Args:
        config: an `ml_collections.ConfigDict` or a dict with the fields of the kind's
            configs, such as `trainers.configs.digits`.
        workdir: the run's folder. At the end it holds `model.keras`, `metrics.json`,
            `samples.png`, `completions.png`, `export/1`, `checkpoints`, the TensorBoard
            `logs`, `history.jsonl`, pictures of the run and the `config.json` it
            belongs to, and `environment.json`, what it last ran on.
        strategy: where, as `keras_pixelcnn.training.make_strategy` makes it. Default: a
            single device.
        on_nonfinite: "stop" at a step whose loss or gradient is not finite, or "skip"
            it.
        kind: what is trained, and what is made of it.

    Returns:
        The content of `metrics.json`; likelihoods are in bits per dimension. None when
        the run was asked to stop, and from workers that write nothing.

    Raises:
        ValueError: when a field of the config is wrong, the folder belongs to another
            config, or another run is training in it.
        keras_pixelcnn.datasets.DatasetUnavailableError: when the data is not there.
        OSError: when the disk is full. What was saved before stays.
        keras_pixelcnn.callbacks.NonFiniteLossError: when training diverges. The best
            model and the last checkpoint before that stay.
    """
    strategy = strategy or tf.distribute.get_strategy()
    is_chief = strategies.is_chief(strategy)
    folder = RunFolder(workdir)
    config = kind.complete(to_dict(config), folder, strategy)
    kind.check_config(config)
    folder.check(config)
    if folder.metrics.exists():
        print(f"{folder.path} holds this run, finished. Remove it to train anew.")
        metrics = read_json(folder.metrics)
        if not isinstance(metrics, dict) or kind.metric not in metrics:
            raise ValueError(
                f"{folder.metrics} must hold a run's results, and is damaged. Remove "
                "it: the same command writes it anew."
            )
        return _print_table(metrics, folder, kind)
    hint = f"config.model.num_classes must fit the labels of {config['dataset']}."
    with (
        Preemption() as preemption,
        full_disk_explained(workdir),
        strategies.lost_workers_explained(strategy),
        label_errors_explained(hint),
    ):
        make_repeatable(config)
        print(f"Reading {config['dataset']}", flush=True)
        data = kind.load_data(config)
        run = Run(config, data, folder, strategy, on_nonfinite, preemption)
        with folder.locked() if is_chief else nullcontext():
            try:
                trained = kind.train(run)
            except RunStopped:
                return None
            metrics = None
            if is_chief:
                print("Scoring, drawing samples, and writing the results", flush=True)
                metrics = kind.write_results(run, trained)
                _print_table(metrics, folder, kind)
        _leave_together(strategy, folder)
    return metrics


def _leave_together(strategy: tf.distribute.Strategy, folder: RunFolder) -> None:
    """Waits for the worker that writes.

    The first that leaves can break off the wait of another. Once the results are there,
    that harms nobody.
    """
    try:
        with strategies.lost_workers_explained(strategy):
            strategies.wait_for_all(strategy)
    except ConnectionError:
        if not folder.metrics.exists():
            raise


def _print_table(
    metrics: dict[str, Any], folder: RunFolder, kind: RunKind
) -> dict[str, Any]:
    print(kind.format_table(metrics))
    print(f"Everything is in {folder.path}")
    return metrics
