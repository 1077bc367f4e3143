"""The driver of all training programs: a run from its config to its results."""

import dataclasses
import functools
import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn.files import read_json
from keras_pixelcnn.pretrained import load_model_or_preset
from keras_pixelcnn.training import (
    LikelihoodObjective,
    Objective,
    Preemption,
    RunLogger,
    RunState,
    strategies,
)
from trainers.runs import model_classes, results
from trainers.runs.config import check_config, to_dict
from trainers.runs.data import (
    TrainingData,
    label_errors_explained,
    load_training_data,
    training_images,
    validation_batches,
)
from trainers.runs.run import Run, RunStopped, make_recipe, make_repeatable
from trainers.runs.run_folder import RunFolder, full_disk_explained
from trainers.sampling.pictures import sample_pictures


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
    """

    check_config: Callable[[Mapping[str, Any]], None]
    load_data: Callable[[Mapping[str, Any]], Any]
    train: Callable[[Run], Any]
    write_results: Callable[[Run, Any], dict[str, Any]]
    format_table: Callable[[Mapping[str, Any]], str]
    metric: str


def train_and_evaluate(
    config: Mapping[str, Any],
    workdir: str | os.PathLike[str],
    strategy: tf.distribute.Strategy | None = None,
    on_nonfinite: str = "stop",
    kind: RunKind | None = None,
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
        kind: what is trained, and what is made of it. Default: `IMAGE_MODELS`.

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
    kind = kind or IMAGE_MODELS
    config = to_dict(config)
    kind.check_config(config)
    strategy = strategy or tf.distribute.get_strategy()
    is_chief = strategies.is_chief(strategy)
    folder = RunFolder(workdir)
    folder.check(config)
    if folder.metrics.exists():
        print(f"{folder.path} holds this run, finished. Remove it to train anew.")
        return _print_table(_read_metrics(folder, kind), folder, kind)
    hint = f"config.model.num_classes must fit the labels of {config['dataset']}."
    with (
        Preemption() as preemption,
        full_disk_explained(workdir),
        strategies.lost_workers_explained(strategy),
        label_errors_explained(hint),
    ):
        make_repeatable(config)
        data = kind.load_data(config)
        run = Run(config, data, folder, strategy, on_nonfinite, preemption)
        with folder.locked() if is_chief else nullcontext():
            try:
                trained = kind.train(run)
            except RunStopped:
                return None
            metrics = None
            if is_chief:
                metrics = kind.write_results(run, trained)
                _print_table(metrics, folder, kind)
        strategies.wait_for_all(strategy)
    return metrics


def _read_metrics(folder: RunFolder, kind: RunKind) -> dict[str, Any]:
    metrics = read_json(folder.metrics)
    if not isinstance(metrics, dict) or kind.metric not in metrics:
        raise ValueError(
            f"{folder.metrics} must hold a run's results, and is damaged. Remove it: "
            "the same command writes it anew."
        )
    return metrics


def _print_table(
    metrics: dict[str, Any], folder: RunFolder, kind: RunKind
) -> dict[str, Any]:
    print(kind.format_table(metrics))
    print(f"Everything is in {folder.path}")
    return metrics


# Runs of one model.


def train_model(
    run: Run,
    make_model: Callable[[Mapping[str, Any], TrainingData], Any],
    sample: Callable[..., None],
    make_objective: Callable[[Mapping[str, Any]], Objective],
) -> RunState:
    """Trains the one model of a run.

    Args:
        run: whose data is as `load_training_data` loads it.
        make_model: makes a model for a config and its data.
        sample: draws pictures of a model as it learns; see `pictures.sample_pictures`.
        make_objective: returns what a model of a config is trained on.
    """
    config, data = run.config, run.data
    recipe = make_recipe(config, data.steps_per_epoch)
    recipe.check_divisible(run.strategy.num_replicas_in_sync)
    with run.strategy.scope():
        model = make_model(config, data)
        if config.get("initial_model") is not None:
            warm_start(model, config["initial_model"])

    def sample_at_epochs(epoch: int, step: int, logger: RunLogger) -> None:
        every = config["sample_every"]
        if every and epoch % every == 0:
            sample(model, data.validation, config, step, logger)

    return run.fit(
        model,
        recipe,
        training_images(config, data, model.prepare_features),
        validation_batches(config, data, model.prepare_features),
        objective=make_objective(config),
        sample=sample_at_epochs,
    )


def warm_start(model: keras.Model, initial_model: str) -> list[str]:
    """Copies the weights of a trained model to those of the same paths.

    Meant for models that differ in what is added: a label for a model that was trained
    without. What the trained model lacks keeps its first weights.

    Args:
        model: changed in place.
        initial_model: a `.keras` file, or the name of a preset.

    Returns:
        The paths of the weights that the trained model lacks.

    Raises:
        FileNotFoundError: when there is no such model.
        ValueError: when the trained model has weights that the model lacks, or has in
            another shape; nothing is changed then.
    """
    weights = load_model_or_preset(initial_model, keras.Model).weights
    trained = {weight.path: weight for weight in weights}
    own = {weight.path: weight for weight in model.weights}
    for path, weight in trained.items():
        shape = own[path].shape if path in own else None
        if shape != weight.shape:
            raise ValueError(
                f"config.initial_model must have no weights that config.model lacks, "
                f"nor any of another shape. Received: {initial_model}, whose {path} is "
                f"{tuple(weight.shape)}, for a model where it is "
                f"{'absent' if shape is None else tuple(shape)}"
            )
    for path, weight in trained.items():
        own[path].assign(weight.numpy())
    return [path for path in own if path not in trained]


def _make_model(config: Mapping[str, Any], data: TrainingData) -> Any:
    name = model_classes.name_of(config)
    return model_classes.make(
        name, data.image_shape, data.num_levels, **config["model"]
    )


IMAGE_MODELS = RunKind(
    check_config,
    load_training_data,
    functools.partial(
        train_model,
        make_model=_make_model,
        sample=sample_pictures,
        make_objective=lambda config: LikelihoodObjective(),
    ),
    results.write_results,
    results.format_table,
    "test_bits_per_dim",
)
"""Runs of one model that draws images from nothing, or from a label."""
