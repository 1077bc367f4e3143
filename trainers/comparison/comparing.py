"""Runs a comparison: one budget for several models, each a run of its own."""

import contextlib
import os
import pathlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from keras_pixelcnn.callbacks import NonFiniteLossError
from keras_pixelcnn.files import read_json
from keras_pixelcnn.models import load_model
from keras_pixelcnn.training import Preemption, strategies
from trainers.comparison import table
from trainers.comparison.timing import save_row, time_models
from trainers.image_models.training import train_and_evaluate
from trainers.planning.planned_data import image_format, num_steps
from trainers.runs import model_classes
from trainers.runs.config import (
    check_config,
    check_names,
    check_values,
    integer,
    optional,
    to_dict,
)
from trainers.runs.data import load_split
from trainers.runs.run import make_recipe, make_repeatable
from trainers.runs.run_folder import RunFolder, write_json
from trainers.scoring.scoring import score

_TRAIN_SCORE, _TIMING, _ROW = "train_score.json", "timing.json", "sample_row.png"
_RESULT, _PAGE = "comparison.json", "comparison.html"
_RULES = {
    "scored_train_images": optional(integer(1)),
    "timed_samples": integer(1),
    "timing_runs": integer(1),
}
_OWN_FIELDS = {"models", *_RULES}
_MODEL_FIELDS = {"title", "model_class", "model"}
_NAME = re.compile(r"[a-z0-9_]+")


class Contestant(NamedTuple):
    """A model of a comparison.

    Attributes:
        name: of its folder.
        title: in tables and pictures.
        config: of its run, with the fields of `trainers.configs.digits`.
    """

    name: str
    title: str
    config: dict[str, Any]


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
    config = to_dict(config)
    models = contestants(config)
    workdir = pathlib.Path(workdir)
    # What all models share: the data, the recipe and how they are measured.
    budget = {name: value for name, value in config.items() if name != "models"}
    RunFolder(workdir).check(budget)
    for model in models:
        RunFolder(workdir / model.name).check(model.config)
    strategy = strategy or tf.distribute.get_strategy()
    if strategies.is_multi_worker(strategy):
        raise ValueError(
            "A comparison runs on one machine, as times of several would not compare. "
            "Train over machines with trainers.train. Received: TF_CONFIG of several "
            "workers"
        )
    steps = num_steps(models[0].config)
    counts = {model.title: count_parameters(model) for model in models}
    print(table.format_budget(config, counts, steps))
    diverged: dict[str, str] = {}
    with Preemption(), RunFolder(workdir).locked():
        RunFolder(workdir).claim(budget)
        for name, title, own in models:
            folder = RunFolder(workdir / name)
            if folder.metrics.exists():
                continue
            print(f"\n{title}", flush=True)
            try:
                found = train_and_evaluate(own, folder.path, strategy, on_nonfinite)
                if found is None:
                    return None
            except NonFiniteLossError as error:
                diverged[name] = str(error)
        trained = [model for model in models if model.name not in diverged]
        result = _evaluate(config, trained, workdir, strategy, diverged)
    if diverged:
        told = (f"{name} diverged: {error}" for name, error in diverged.items())
        raise NonFiniteLossError(" ".join(told))
    return result


def _evaluate(
    config: Mapping[str, Any],
    models: Sequence[Contestant],
    workdir: pathlib.Path,
    strategy: tf.distribute.Strategy,
    diverged: Mapping[str, str],
) -> dict[str, Any] | None:
    """Measures what the runs did not, and writes the comparison."""
    if not models:
        return None
    for model in models:
        path = workdir / model.name / _TRAIN_SCORE
        if path.exists():
            continue
        images = load_split(model.config, model.config["train_split"])
        if config["scored_train_images"] is not None:
            images = images.take(config["scored_train_images"])
        trained = load_model(RunFolder(path.parent).model)
        found = score(trained, images, model.config["batch_size"])
        facts = {"images": found.num_images, "bits_per_dim": found.bits_per_dim}
        write_json(path, facts)
    if not all((workdir / model.name / _TIMING).exists() for model in models):
        _time(config, models, workdir, strategy)
    result = table.collect(
        config,
        models,
        {
            model.name: {
                "metrics": read_json(workdir / model.name / "metrics.json"),
                "train": read_json(workdir / model.name / _TRAIN_SCORE),
                "timing": read_json(workdir / model.name / _TIMING),
            }
            for model in models
        },
        num_steps(models[0].config),
        diverged,
    )
    write_json(workdir / _RESULT, result)
    table.write_page(workdir / _PAGE, result, workdir, _ROW)
    print(table.format_table(result))
    print(f"Everything is in {workdir}; {workdir / _PAGE} shows it.")
    return result


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


def contestants(config: Mapping[str, Any]) -> list[Contestant]:
    """Returns the models with the configs of their runs.

    Raises:
        ValueError: when a field is missing, unknown or out of its range.
    """
    missing = sorted(_OWN_FIELDS - set(config))
    if missing:
        raise ValueError(
            f"The config must have the fields {missing}. See "
            "trainers/configs/compare_digits.py for all fields. A config of a single "
            "run is for trainers.train."
        )
    if not config["models"]:
        raise ValueError("config.models must name a model. Received: none")
    check_values("config", config, _RULES)
    shared = {name: config[name] for name in config if name not in _OWN_FIELDS}
    found = []
    for name, fields in config["models"].items():
        if not _NAME.fullmatch(name):
            raise ValueError(
                "Names in config.models are those of folders: small letters, digits "
                f"and underscores. Received: {name!r}"
            )
        check_names(f"config.models.{name}", fields, _MODEL_FIELDS)
        run = {**shared, "model_class": fields["model_class"], "model": fields["model"]}
        with _named(name):
            check_config(run)
        found.append(Contestant(name, fields["title"], run))
    titles = [contestant.title for contestant in found]
    if len(set(titles)) < len(titles):
        raise ValueError(f"Titles of config.models must differ. Received: {titles}")
    return found


def count_parameters(contestant: Contestant) -> int:
    """Returns the size of a model, which checks its arguments before hours of training.

    Raises:
        ValueError: when an argument of the model is out of its range.
    """
    image_shape, num_levels = image_format(contestant.config)
    with _named(contestant.name):
        return model_classes.count_parameters(
            contestant.config["model_class"],
            image_shape,
            num_levels,
            **contestant.config["model"],
        )


@contextlib.contextmanager
def _named(name: str) -> Iterator[None]:
    """Adds the name of a model to its errors."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"config.models.{name}: {error}") from error
