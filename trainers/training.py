"""Trains a model as a config says, and writes what a finished run holds."""

import os
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.callbacks import SampleGrids, SaveBest, StopOnNonFiniteLoss
from keras_pixelcnn.models import load_model
from trainers import label_errors, results_writing
from trainers.data import TrainingData, load_training_data
from trainers.run_folder import RunFolder, read_json
from trainers.scoring import score
from trainers.settings import check_config
from trainers.stopwatch import Stopwatch


def train_and_evaluate(
    config: Mapping[str, Any], workdir: str | os.PathLike[str]
) -> dict[str, Any]:
    """Trains, keeps the weights that validate best, and scores those on the test split.

    A run that was interrupted goes on at the epoch it was in. A finished run is not
    trained again: its metrics are printed as they were.

    Args:
        config: an `ml_collections.ConfigDict` or a dict with the fields of
            `trainers.configs.digits`.
        workdir: the run's folder. At the end it holds `model.keras`, `metrics.json`,
            `samples.png`, `completions.png`, `export/1`, `checkpoints`, the TensorBoard
            `logs` and the `config.json` it belongs to.

    Returns:
        The content of `metrics.json`; likelihoods are in bits per dimension.

    Raises:
        ValueError: when a field of the config is wrong, or the folder belongs to
            another config.
        keras_pixelcnn.datasets.DatasetUnavailableError: when the data is not there.
        keras_pixelcnn.callbacks.NonFiniteLossError: when training diverges. The best
            model before that stays.
    """
    config = _plain(config)
    check_config(config)
    folder = RunFolder(workdir)
    folder.check(config)
    if folder.metrics.exists():
        print(f"{folder.path} holds this run, finished. Remove it to train anew.")
        metrics = read_json(folder.metrics)
    else:
        _make_repeatable(config)
        data = load_training_data(config)
        seconds = _train(config, data, folder)
        metrics = results_writing.write_results(config, data, folder, seconds)
    print(results_writing.format_table(metrics))
    print(f"Everything is in {folder.path}")
    return metrics


def _plain(config: Mapping[str, Any]) -> dict[str, Any]:
    return config.to_dict() if hasattr(config, "to_dict") else dict(config)


def _make_repeatable(config: dict[str, Any]) -> None:
    keras.utils.set_random_seed(config["seed"])
    if config["deterministic"]:
        tf.config.experimental.enable_op_determinism()


def _train(config: dict[str, Any], data: TrainingData, folder: RunFolder) -> float:
    """Fits the model; the best one is in `folder.model`. Returns the seconds."""
    model = kp.GatedPixelCNN(data.image_shape, data.num_levels, **config["model"])
    model.compile(_optimizer(config, data.steps_per_epoch))
    stopwatch = Stopwatch(folder.checkpoints / "stopwatch.json")
    hint = f"config.model.num_classes must fit the labels of {config['dataset']}."
    with label_errors.explained(hint):
        model.fit(
            data.train,
            validation_data=data.validation.batch(config["batch_size"]),
            epochs=config["epochs"],
            callbacks=[*_callbacks(config, data, folder), stopwatch, _backup(folder)],
            verbose=2,  # a line an epoch reads well in a log, too
        )
    return stopwatch.seconds


def _optimizer(
    config: dict[str, Any], steps_per_epoch: int
) -> keras.optimizers.Optimizer:
    steps = config["epochs"] * steps_per_epoch
    warmup = int(config["warmup_share"] * steps)
    peak = config["learning_rate"]
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else peak,
        decay_steps=steps - warmup,
        warmup_target=peak if warmup else None,
        warmup_steps=warmup,
    )
    average = {}
    if config["ema_momentum"] is not None:
        average = {"use_ema": True, "ema_momentum": config["ema_momentum"]}
    return keras.optimizers.AdamW(
        schedule, weight_decay=config["weight_decay"], **average
    )


def _callbacks(
    config: dict[str, Any], data: TrainingData, folder: RunFolder
) -> list[keras.callbacks.Callback]:
    """All but the backup, in the order that they depend on."""
    watch = [
        SaveBest(folder.model, **_best_so_far(config, data, folder)),
        keras.callbacks.TensorBoard(folder.logs, write_graph=False),
    ]
    if config["sample_every"]:
        watch.append(
            SampleGrids(
                folder.logs / "samples",
                every=config["sample_every"],
                num_samples=config["num_samples"],
                seed=config["sample_seed"],
            )
        )
    if config["ema_momentum"] is not None:
        swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
        # Swapped back at once and not when the next epoch begins: the backup must
        # hold the weights that training goes on with.
        swap_back = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: swap.on_epoch_begin(epoch)
        )
        watch = [swap, *watch, swap_back]
    # Not before the first epoch: a config that cannot be trained claims nothing.
    claim = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: folder.claim(config)
    )
    return [StopOnNonFiniteLoss(folder.model), claim, *watch]


def _backup(folder: RunFolder) -> keras.callbacks.Callback:
    # Comes last: an epoch counts as done when all else of it is written.
    return keras.callbacks.BackupAndRestore(
        str(folder.checkpoints / "backup"),
        double_checkpoint=True,  # one of them is whole whenever the run is killed
        delete_checkpoint=False,
    )


def _best_so_far(
    config: dict[str, Any], data: TrainingData, folder: RunFolder
) -> dict[str, Any]:
    """What `SaveBest` must know of the run before it was interrupted."""
    if not folder.model.exists():
        return {}
    model = load_model(folder.model)
    validated = score(model, data.validation, config["batch_size"])
    return {
        "best": validated.bits_per_dim,
        "best_epoch": results_writing.epoch_of(model, data.steps_per_epoch),
    }
