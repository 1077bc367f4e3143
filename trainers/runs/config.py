"""A run's config as a dict, and its checks before anything is loaded or written."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from keras_pixelcnn.schedules import DECAYS
from keras_pixelcnn.training.data_order import SAMPLINGS
from keras_pixelcnn.training.recipe import OPTIMIZERS
from trainers.configs import digits
from trainers.runs import model_classes

_ADDED_LATER = {"model_class", "initial_model", "mutation_rate"}
"""Fields that older configs lack."""

_NOT_IN_DATA = {"embedding_dim": "embedding", "spatial_shape": "spatial"}
"""Arguments that give a model conditions which no dataset here holds."""


def to_dict(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a config, an `ml_collections.ConfigDict` or a dict, as a dict."""
    return config.to_dict() if hasattr(config, "to_dict") else dict(config)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    is_float = isinstance(value, float) and math.isfinite(value)
    return is_float or _is_integer(value)


_POSITIVE = ("an integer of at least 1", lambda value: _is_integer(value) and value > 0)

_NOT_NEGATIVE = (
    "an integer of at least 0",
    lambda value: _is_integer(value) and value >= 0,
)


def _one_of(names: tuple[str, ...]) -> tuple[str, Callable[[Any], bool]]:
    return f"one of {names}", lambda value: value in names


_RULES = {
    "batch_size": _POSITIVE,
    "epochs": _POSITIVE,
    "num_samples": _POSITIVE,
    "learning_rate": ("above 0", lambda value: _is_number(value) and value > 0),
    "weight_decay": ("at least 0", lambda value: _is_number(value) and value >= 0),
    "warmup_share": ("in [0, 1)", lambda value: _is_number(value) and 0 <= value < 1),
    "ema_momentum": (
        "None or in (0, 1)",
        lambda value: value is None or (_is_number(value) and 0 < value < 1),
    ),
    "seed": (
        "an integer in [0, 2**32)",
        lambda value: _is_integer(value) and 0 <= value < 2**32,
    ),
    "sample_every": _NOT_NEGATIVE,
    "checkpoint_every": _NOT_NEGATIVE,
    "log_every": _POSITIVE,
    "steps": (
        "None or an integer of at least 1",
        lambda value: value is None or (_is_integer(value) and value > 0),
    ),
    "gradient_accumulation_steps": _POSITIVE,
    "clip_norm": (
        "None or above 0",
        lambda value: value is None or (_is_number(value) and value > 0),
    ),
    "optimizer": _one_of(tuple(OPTIMIZERS)),
    "decay": _one_of(DECAYS),
    "decay_factor": ("above 0", lambda value: _is_number(value) and value > 0),
    "decay_shares": (
        "numbers in (0, 1)",
        lambda value: all(_is_number(share) and 0 < share < 1 for share in value),
    ),
    "sampling": _one_of(SAMPLINGS),
    "horizontal_flips": ("True or False", lambda value: isinstance(value, bool)),
    "mutation_rate": ("in [0, 1)", lambda value: _is_number(value) and 0 <= value < 1),
}
"""Fields that the library would take with a wrong value, or complain of too late."""


def check_config(
    config: Mapping[str, Any],
    class_names: tuple[str, ...] = model_classes.NAMES,
    more_fields: Iterable[str] = (),
) -> None:
    """Checks a config's names, and the values that the library would not check.

    Args:
        config: with the fields of `trainers.configs.digits`; those of "model" are
            arguments of the class that "model_class" names.
        class_names: classes that it may name. Default: models that draw images.
        more_fields: fields that it has besides. Default: none.

    Raises:
        ValueError: when a field is missing, unknown or out of its range, or when the
            model needs conditions that datasets do not hold.
    """
    known = {*digits.get_config(), *more_fields}
    missing = sorted(known - _ADDED_LATER - set(config))
    if missing:
        raise ValueError(
            f"The config must have the fields {missing}. See "
            "trainers/configs/digits.py for all fields."
        )
    _check_known("config", config, known)
    name = model_classes.name_of(config)
    arguments = model_classes.arguments_of(name, class_names)
    _check_known(f"config.model of {name}", config["model"], arguments)
    _check_conditions(config["model"])
    _check_combinations(config)
    for name, (rule, holds) in _RULES.items():
        if name in config and not holds(config[name]):
            raise ValueError(
                f"config.{name} must be {rule}. Received: {config[name]!r}"
            )


def _check_combinations(config: Mapping[str, Any]) -> None:
    if config["optimizer"] == "adam" and config["weight_decay"]:
        raise ValueError(
            'config.weight_decay is of optimizer "adamw". Choose that, or 0. '
            f"Received: {config['weight_decay']!r}"
        )
    if config["sampling"] == "class_balanced" and not config["cache"]:
        raise ValueError(
            'config.sampling="class_balanced" needs all labels at hand: set '
            "config.cache, which keeps the images in memory. Received: cache=False"
        )


def _check_known(where: str, fields: Iterable[str], known: set[str]) -> None:
    unknown = sorted(set(fields) - known)
    if unknown:
        raise ValueError(
            f"{where} may have the fields {sorted(known)}. Received, unknown: {unknown}"
        )


def _check_conditions(model: Mapping[str, Any]) -> None:
    for argument, condition in _NOT_IN_DATA.items():
        if model.get(argument) is not None:
            raise ValueError(
                "trainers.train knows labels as conditions, and no others: datasets "
                f"hold none. Leave config.model.{argument} out, or call the model's "
                f'fit on batches that hold "{condition}". '
                f"Received: {model[argument]!r}"
            )
