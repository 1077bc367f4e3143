"""The config of a comparison: one budget, and the models that get it."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from trainers.planning.planned_data import image_format
from trainers.runs import model_classes
from trainers.runs.settings import check_config

_OWN_FIELDS = {"models", "scored_train_images", "timed_samples", "timing_runs"}
_MODEL_FIELDS = {"title", "model_class", "model"}
_NAME = re.compile(r"[a-z0-9_]+")
_POSITIVE = ("scored_train_images", "timed_samples", "timing_runs")
_OPTIONAL = {"scored_train_images"}


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


def plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config as a dict, all fields of the budget in it.

    Args:
        config: an `ml_collections.ConfigDict` or a dict.
    """
    return config.to_dict() if hasattr(config, "to_dict") else dict(config)


def budget_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """What all models share: the data, the recipe and how they are measured."""
    return {name: value for name, value in config.items() if name != "models"}


def contestants(config: Mapping[str, Any]) -> list[Contestant]:
    """The models with the configs of their runs.

    Args:
        config: as `trainers.configs.compare_digits` has it.

    Raises:
        ValueError: when a field is missing, unknown or out of its range.
    """
    _check_own_fields(config)
    shared = {name: config[name] for name in config if name not in _OWN_FIELDS}
    found = []
    for name, fields in config["models"].items():
        _check_model(name, fields)
        run = {**shared, "model_class": fields["model_class"], "model": fields["model"]}
        with _named(name):
            check_config(run)
        found.append(Contestant(name, fields["title"], run))
    titles = [contestant.title for contestant in found]
    if len(set(titles)) < len(titles):
        raise ValueError(f"Titles of config.models must differ. Received: {titles}")
    return found


def count_parameters(contestant: Contestant) -> int:
    """The size of a model, which is checked by it: before hours go into another.

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
    """Tells which model an error is of."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"config.models.{name}: {error}") from error


def _check_own_fields(config: Mapping[str, Any]) -> None:
    missing = sorted(_OWN_FIELDS - set(config))
    if missing:
        raise ValueError(
            f"The config must have the fields {missing}. See "
            "trainers/configs/compare_digits.py for all fields. A config of a single "
            "run is for trainers.train."
        )
    if not config["models"]:
        raise ValueError("config.models must name a model. Received: none")
    for name in _POSITIVE:
        value = config[name]
        if value is None and name in _OPTIONAL:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            none = "None or " if name in _OPTIONAL else ""
            raise ValueError(
                f"config.{name} must be {none}an integer of at least 1. "
                f"Received: {value!r}"
            )


def _check_model(name: str, fields: Mapping[str, Any]) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(
            "Names in config.models are those of folders: small letters, digits and "
            f"underscores. Received: {name!r}"
        )
    if set(fields) != _MODEL_FIELDS:
        raise ValueError(
            f"config.models.{name} must have the fields {sorted(_MODEL_FIELDS)} and no "
            f"others. Received: {sorted(fields)}"
        )
