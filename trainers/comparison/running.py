"""Runs a comparison: what is left of it, in the folder where it stands."""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from keras_pixelcnn.callbacks import NonFiniteLossError
from keras_pixelcnn.models import load_model
from trainers.comparison import settings, table
from trainers.comparison.page import write_page
from trainers.comparison.settings import Contestant
from trainers.comparison.timing import save_row, time_models
from trainers.planning.planned_data import image_format, num_steps
from trainers.runs.data import load_split
from trainers.runs.run_folder import RunFolder, read_json, write_json
from trainers.runs.training import make_recipe, make_repeatable, train_and_evaluate
from trainers.scoring.scoring import score

_TRAIN_SCORE, _TIMING, _ROW = "train_score.json", "timing.json", "sample_row.png"
_RESULT, _PAGE = "comparison.json", "comparison.html"


def compare(
    config: Mapping[str, Any],
    workdir: str | os.PathLike[str],
    strategy: tf.distribute.Strategy | None = None,
    on_nonfinite: str = "stop",
) -> dict[str, Any] | None:
    """Trains all models under one budget, and writes what came of it.

    Each model is an ordinary run in a folder of its own below the workdir. Started
    again, only what is left is done; models can be added to the config.

    Args:
        config: an `ml_collections.ConfigDict` or a dict with the fields of
            `trainers.configs.compare_digits`.
        workdir: the comparison's folder. At the end it holds `comparison.json`,
            `comparison.html` and the runs.
        strategy: where. Default: a single device.
        on_nonfinite: "stop" a model at a step whose loss or gradient is not finite, or
            "skip" such steps.

    Returns:
        The content of `comparison.json`; None when it was asked to stop.

    Raises:
        ValueError: when a field of the config is wrong, or a folder belongs to another
            config. No model is trained then.
        keras_pixelcnn.callbacks.NonFiniteLossError: when a model diverged; the others
            are trained and written first.
    """
    config = settings.plain(config)
    models = settings.contestants(config)
    workdir = pathlib.Path(workdir)
    _check_folders(config, models, workdir)
    print(table.format_budget(config, models, num_steps(models[0].config)))
    RunFolder(workdir).claim(settings.budget_of(config))
    strategy = strategy or tf.distribute.get_strategy()
    _check_one_machine(strategy)
    diverged: dict[str, NonFiniteLossError] = {}
    for model in models:
        try:
            if not _train(model, workdir, strategy, on_nonfinite):
                return None
        except NonFiniteLossError as error:
            diverged[model.name] = error
    trained = [model for model in models if model.name not in diverged]
    result = _evaluate(config, trained, workdir, strategy, diverged)
    if diverged:
        raise NonFiniteLossError(
            " ".join(f"{name} diverged: {error}" for name, error in diverged.items())
        )
    return result


def _check_one_machine(strategy: tf.distribute.Strategy) -> None:
    if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        raise ValueError(
            "A comparison runs on one machine, as times of several would not compare. "
            "Train over machines with trainers.train. Received: TF_CONFIG of several "
            "workers"
        )


def _check_folders(
    config: Mapping[str, Any], models: Sequence[Contestant], workdir: pathlib.Path
) -> None:
    RunFolder(workdir).check(settings.budget_of(config))
    for model in models:
        RunFolder(workdir / model.name).check(model.config)


def _train(
    model: Contestant,
    workdir: pathlib.Path,
    strategy: tf.distribute.Strategy,
    on_nonfinite: str,
) -> bool:
    """Trains a model, unless it is. Returns whether it is trained now."""
    folder = RunFolder(workdir / model.name)
    if folder.metrics.exists():
        return True
    print(f"\n{model.title}", flush=True)
    metrics = train_and_evaluate(model.config, folder.path, strategy, on_nonfinite)
    return metrics is not None


def _evaluate(
    config: Mapping[str, Any],
    models: Sequence[Contestant],
    workdir: pathlib.Path,
    strategy: tf.distribute.Strategy,
    diverged: Mapping[str, Exception],
) -> dict[str, Any] | None:
    """Measures what the runs did not, and writes the comparison."""
    if not models:
        return None
    for model in models:
        _score_train(config, model, workdir / model.name)
    if not all((workdir / model.name / _TIMING).exists() for model in models):
        _time(config, models, workdir, strategy)
    result = table.collect(
        config,
        models,
        {model.name: _read(workdir / model.name) for model in models},
        num_steps(models[0].config),
        {name: str(error) for name, error in diverged.items()},
    )
    write_json(workdir / _RESULT, result)
    write_page(workdir / _PAGE, result, workdir, _ROW)
    print(table.format_table(result))
    print(f"Everything is in {workdir}; {workdir / _PAGE} shows it.")
    return result


def _read(folder: pathlib.Path) -> dict[str, Any]:
    """What is known of a finished run: its metrics, training score and timing."""
    return {
        "metrics": read_json(folder / "metrics.json"),
        "train": read_json(folder / _TRAIN_SCORE),
        "timing": read_json(folder / _TIMING),
    }


def _score_train(
    config: Mapping[str, Any], model: Contestant, folder: pathlib.Path
) -> None:
    if (folder / _TRAIN_SCORE).exists():
        return
    images = load_split(model.config, model.config["train_split"])
    if config["scored_train_images"] is not None:
        images = images.take(config["scored_train_images"])
    found = score(
        load_model(RunFolder(folder).model), images, model.config["batch_size"]
    )
    write_json(
        folder / _TRAIN_SCORE,
        {"images": found.num_images, "bits_per_dim": found.bits_per_dim},
    )


def _time(
    config: Mapping[str, Any],
    models: Sequence[Contestant],
    workdir: pathlib.Path,
    strategy: tf.distribute.Strategy,
) -> None:
    shared = models[0].config
    make_repeatable(shared)  # as the runs were: it can cost time
    examples = load_split(shared, shared["train_split"]).batch(shared["batch_size"])
    timings, images = time_models(
        {model.name: RunFolder(workdir / model.name).model for model in models},
        next(iter(examples.take(1).as_numpy_iterator())),
        make_recipe(shared, num_steps(shared)),
        strategy=strategy,
        num_samples=config["timed_samples"],
        runs=config["timing_runs"],
        seed=shared["sample_seed"],
    )
    num_levels = image_format(shared)[1]
    for model in models:
        folder = workdir / model.name
        save_row(folder / _ROW, images[model.name], num_levels)
        write_json(folder / _TIMING, timings[model.name])
