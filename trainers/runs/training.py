"""Trains a model as a config says, and writes what a finished run holds."""

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_pixelcnn.training import (
    LikelihoodObjective,
    LoopOptions,
    Objective,
    Preemption,
    Recipe,
    RunRecords,
    TrainingLoop,
    strategies,
)
from trainers.command_line import label_errors
from trainers.runs import environment, model_classes, results_writing
from trainers.runs.data import (
    TrainingData,
    load_training_data,
    training_images,
    validation_batches,
)
from trainers.runs.run_folder import RunFolder, full_disk_explained, read_json
from trainers.runs.settings import check_config
from trainers.runs.warm_start import warm_start
from trainers.sampling.pictures import draw_pictures


class RunKind(NamedTuple):
    """What tells the runs of one program from those of another.

    Attributes:
        check_config: raises ValueError where a config is wrong.
        make_model: makes a model for a config and its data.
        draw: draws pictures of a model as it learns; see `pictures.draw_pictures`.
        write_results: writes what a finished run holds; see
            `results_writing.write_results`.
        format_table: the metrics of a finished run, to be read.
        metric: one that every finished run has.
        objective: what a model of a config is trained on. Default: bits per dimension.
    """

    check_config: Callable[[Mapping[str, Any]], None]
    make_model: Callable[[Mapping[str, Any], TrainingData], Any]
    draw: Callable[..., None]
    write_results: Callable[..., dict[str, Any]]
    format_table: Callable[[Mapping[str, Any]], str]
    metric: str
    objective: Callable[[Mapping[str, Any]], Objective] = lambda config: (
        LikelihoodObjective()
    )


def _make_model(config: Mapping[str, Any], data: TrainingData) -> Any:
    return model_classes.make(
        model_classes.name_of(config),
        data.image_shape,
        data.num_levels,
        **config["model"],
    )


IMAGE_MODELS = RunKind(
    check_config,
    _make_model,
    draw_pictures,
    results_writing.write_results,
    results_writing.format_table,
    "test_bits_per_dim",
)
"""Models that draw images from nothing, or from a label."""


def train_and_evaluate(
    config: Mapping[str, Any],
    workdir: str | os.PathLike[str],
    strategy: tf.distribute.Strategy | None = None,
    on_nonfinite: str = "stop",
    kind: RunKind = IMAGE_MODELS,
) -> dict[str, Any] | None:
    """Trains, keeps the weights that validate best, and scores those on the test split.

    A run that was interrupted goes on after its last checkpoint. A finished run is not
    trained again: its metrics are printed as they were. Of several workers the chief
    writes.

    Args:
        config: an `ml_collections.ConfigDict` or a dict with the fields of
            `trainers.configs.digits`.
        workdir: the run's folder. At the end it holds `model.keras`, `metrics.json`,
            `samples.png`, `completions.png`, `export/1`, `checkpoints`, the TensorBoard
            `logs`, `history.jsonl`, pictures of the run and the `config.json` it
            belongs to, and `environment.json`, what it last ran on.
        strategy: where, as `keras_pixelcnn.training.make_strategy` makes it. Default: a
            single device.
        on_nonfinite: "stop" at a step whose loss or gradient is not finite, or "skip"
            it.
        kind: what is trained, and what is made of it. Default: a model of images.

    Returns:
        The content of `metrics.json`; likelihoods are in bits per dimension. None when
        the run was asked to stop, and from workers that write nothing.

    Raises:
        ValueError: when a field of the config is wrong, or the folder belongs to
            another config.
        keras_pixelcnn.datasets.DatasetUnavailableError: when the data is not there.
        OSError: when the disk is full. What was saved before stays.
        keras_pixelcnn.callbacks.NonFiniteLossError: when training diverges. The best
            model and the last checkpoint before that stay.
    """
    config = _plain(config)
    kind.check_config(config)
    strategy = strategy or tf.distribute.get_strategy()
    folder = RunFolder(workdir)
    folder.check(config)
    if folder.metrics.exists():
        print(f"{folder.path} holds this run, finished. Remove it to train anew.")
        return _tell(_read_metrics(folder, kind), folder, kind)
    with Preemption() as preemption, full_disk_explained(workdir):
        make_repeatable(config)
        data = load_training_data(config)
        hint = f"config.model.num_classes must fit the labels of {config['dataset']}."
        with label_errors.explained(hint), strategies.losses_explained(strategy):
            loop = _make_loop(
                config, data, folder, strategy, on_nonfinite, preemption, kind
            )
            progress = loop.run()
        if progress.is_stopped:
            return None
        preemption.stop_if_asked()  # in the last validation: results take long
        metrics = None
        if strategies.is_chief(strategy):
            metrics = kind.write_results(config, data, folder, progress)
            _tell(metrics, folder, kind)
        with strategies.losses_explained(strategy):
            strategies.wait_for_all(strategy)
    return metrics


def _plain(config: Mapping[str, Any]) -> dict[str, Any]:
    return config.to_dict() if hasattr(config, "to_dict") else dict(config)


def _read_metrics(folder: RunFolder, kind: RunKind) -> dict[str, Any]:
    metrics = read_json(folder.metrics)
    if not isinstance(metrics, dict) or kind.metric not in metrics:
        raise ValueError(
            f"{folder.metrics} must hold a run's results, and is damaged. Remove it: "
            "the same command writes it anew."
        )
    return metrics


def make_repeatable(config: Mapping[str, Any]) -> None:
    """Seeds everything, and makes operations deterministic where the config says so.

    Args:
        config: with the fields of `trainers.configs.digits`.
    """
    keras.utils.set_random_seed(config["seed"])
    if config["deterministic"]:
        tf.config.experimental.enable_op_determinism()


def _tell(metrics: dict[str, Any], folder: RunFolder, kind: RunKind) -> dict[str, Any]:
    print(kind.format_table(metrics))
    print(f"Everything is in {folder.path}")
    return metrics


def _make_loop(
    config: dict[str, Any],
    data: TrainingData,
    folder: RunFolder,
    strategy: tf.distribute.Strategy,
    on_nonfinite: str,
    preemption: Preemption,
    kind: RunKind,
) -> TrainingLoop:
    recipe = make_recipe(config, data.steps_per_epoch)
    recipe.check_divisible(strategy.num_replicas_in_sync)
    facts = {
        "steps": recipe.steps,
        "strategy": type(strategy).__name__.lstrip("_"),
        "replicas": strategy.num_replicas_in_sync,
        **environment.describe(),
    }
    with strategy.scope():
        model = kind.make_model(config, data)
        if config.get("initial_model") is not None:
            warm_start(model, config["initial_model"])

    def claim() -> None:
        folder.claim(config)
        folder.describe(facts)

    return TrainingLoop(
        model,
        recipe,
        training_images(config, data, model.prepare_features),
        validation_batches(config, data, model.prepare_features),
        folder.path,
        strategy=strategy,
        options=LoopOptions(
            config["checkpoint_every"], config["log_every"], on_nonfinite
        ),
        on_first_step=claim,
        draw=_drawing(config, data, model, kind),
        preemption=preemption,
        objective=kind.objective(config),
    )


def make_recipe(config: Mapping[str, Any], steps_per_epoch: int) -> Recipe:
    """The part of a config that says how the weights are trained.

    Args:
        config: with the fields of `trainers.configs.digits`.
        steps_per_epoch: batches in an epoch.
    """
    steps = config["steps"]
    if steps is None:
        steps = config["epochs"] * steps_per_epoch
    return Recipe(
        steps=steps,
        batch_size=config["batch_size"],
        optimizer=config["optimizer"],
        learning_rate=config["learning_rate"],
        warmup_steps=int(config["warmup_share"] * steps),
        decay=config["decay"],
        decay_shares=tuple(config["decay_shares"]),
        decay_factor=config["decay_factor"],
        weight_decay=config["weight_decay"],
        clip_norm=config["clip_norm"],
        ema_momentum=config["ema_momentum"],
        gradient_accumulation_steps=config["gradient_accumulation_steps"],
    )


def _drawing(
    config: dict[str, Any], data: TrainingData, model: Any, kind: RunKind
) -> Callable[[int, int, RunRecords], None]:
    """What draws at the ends of those epochs that the config names."""

    def draw(epoch: int, step: int, records: RunRecords) -> None:
        every = config["sample_every"]
        if every and epoch % every == 0:
            kind.draw(model, data.validation, config, step, records)

    return draw
