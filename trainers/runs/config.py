"""The rules of config fields: what each may hold, before anything is loaded."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from keras_pixelcnn.checks import is_integer
from keras_pixelcnn.datasets.degradation import DEGRADATIONS
from keras_pixelcnn.schedules import DECAYS
from keras_pixelcnn.training.data_order import SAMPLINGS
from keras_pixelcnn.training.recipe import OPTIMIZERS
from trainers.configs import digits
from trainers.runs import model_classes

ADDED_LATER = {
    "model_class": model_classes.DEFAULT,
    "initial_model": None,
    "mutation_rate": 0.0,
    "merge_levels": True,
    "validate_every": 1,
    "minutes": None,
    "task": None,
    "label_feature": None,
}
"""Fields that configs of older runs lack, and what they would have said."""

_NOT_IN_DATA = {"embedding_dim": "embedding", "spatial_shape": "spatial"}
"""Arguments that give a model conditions which no dataset here holds."""


def to_dict(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a config, an `ml_collections.ConfigDict` or a dict, as a dict.

    A single number of "image_size" is made height and width.
    """
    config = config.to_dict() if hasattr(config, "to_dict") else dict(config)
    size = config.get("image_size")
    if isinstance(size, tuple | list) and len(size) == 1:  # --config.image_size=16
        config["image_size"] = (*size, *size)
    return config


Rule = tuple[str, Callable[[Any], bool]]
"""Words that stand behind "must be", and the check itself."""


def is_number(value: Any) -> bool:
    """Returns whether a value is a finite number."""
    return is_integer(value) or (isinstance(value, float) and math.isfinite(value))


def integer(least: int) -> Rule:
    """Returns the rule of integers of at least so much."""
    words = f"an integer of at least {least}"
    return words, lambda value: is_integer(value, least)


def optional(rule: Rule) -> Rule:
    """Returns a rule that allows None, too."""
    words, holds = rule
    return f"None or {words}", lambda value: value is None or holds(value)


def one_of(names: Iterable[str]) -> Rule:
    """Returns the rule of some names."""
    return f"one of {tuple(names)}", lambda value: value in tuple(names)


ABOVE_ZERO: Rule = ("above 0", lambda value: is_number(value) and value > 0)
NOT_NEGATIVE: Rule = ("at least 0", lambda value: is_number(value) and value >= 0)
SHARE: Rule = ("in [0, 1)", lambda value: is_number(value) and 0 <= value < 1)
BOOLEAN: Rule = ("True or False", lambda value: isinstance(value, bool))
SEED: Rule = (
    "an integer in [0, 2**32)",
    lambda value: is_integer(value, 0) and value < 2**32,
)

SAMPLING_RULES = {
    "guidance_scale": optional(NOT_NEGATIVE),
    "top_p": optional(("in (0, 1]", lambda value: is_number(value) and 0 < value <= 1)),
}
"""Fields of a group that say how its pictures are sampled; None is as trained."""

_RULES = {
    "batch_size": integer(1),
    "epochs": integer(1),
    "num_samples": integer(1),
    "learning_rate": ABOVE_ZERO,
    "weight_decay": NOT_NEGATIVE,
    "warmup_share": SHARE,
    "ema_momentum": optional(("in (0, 1)", lambda value: SHARE[1](value) and value)),
    "seed": SEED,
    "sample_every": integer(0),
    "validate_every": integer(1),
    "checkpoint_every": integer(0),
    "log_every": integer(1),
    "steps": optional(integer(1)),
    "gradient_accumulation_steps": integer(1),
    "clip_norm": optional(ABOVE_ZERO),
    "optimizer": one_of(OPTIMIZERS),
    "decay": one_of(DECAYS),
    "decay_factor": ABOVE_ZERO,
    "decay_shares": (
        "numbers in (0, 1)",
        lambda value: all(SHARE[1](share) and share for share in value),
    ),
    "sampling": one_of(SAMPLINGS),
    "horizontal_flips": BOOLEAN,
    "mutation_rate": SHARE,
    "merge_levels": BOOLEAN,
    "task": optional(one_of(DEGRADATIONS)),
}
"""Fields that the library would take with a wrong value, or complain of too late."""


def sampling_options(fields: Mapping[str, Any]) -> dict[str, float]:
    """Returns the `SAMPLING_RULES` that a group of a config sets, as options."""
    options = {name: fields[name] for name in SAMPLING_RULES}
    return {name: value for name, value in options.items() if value is not None}


def format_sampling_options(options: Mapping[str, float]) -> str:
    """Returns options of sampling as a row of a table names them."""
    return ", ".join(f"{name}={value:g}" for name, value in options.items())


def check_guidance(config: Mapping[str, Any], group: str) -> None:
    """Checks that a model can follow the guidance that a group of its config asks for.

    Raises:
        ValueError: when it is not trained without its condition, too.
    """
    scale = config[group]["guidance_scale"]
    if scale is not None and not config["model"].get("condition_dropout"):
        raise ValueError(
            f"config.{group}.guidance_scale is of models with "
            "config.model.condition_dropout above 0. "
            f"Received: guidance_scale={scale}, condition_dropout=0"
        )


def check_images_are_kept(config: Mapping[str, Any], what: str) -> None:
    """Checks that images are not changed, where something was computed from them.

    Args:
        config: of a run.
        what: what was computed from the images, such as "the codes".

    Raises:
        ValueError: when the images are mirrored or mutated.
    """
    for name, kept in (("horizontal_flips", False), ("mutation_rate", 0)):
        if config.get(name):
            raise ValueError(
                f"config.{name} must be {kept!r}: {what} of a changed image would be "
                f"others. Received: {config[name]!r}"
            )


def check_left_out(config: Mapping[str, Any], names: Iterable[str]) -> None:
    """Checks that fields say nothing which a program would not heed.

    Raises:
        ValueError: when one is neither None nor 0.
    """
    for name in names:
        if config.get(name):
            raise ValueError(
                f"config.{name} is for trainers.train, and here must be None or 0. "
                f"Received: {config[name]!r}"
            )


def check_values(
    where: str, fields: Mapping[str, Any], rules: Mapping[str, Rule]
) -> None:
    """Checks the values of fields.

    Raises:
        ValueError: when a rule does not hold.
    """
    for name, (words, holds) in rules.items():
        if not holds(fields[name]):
            raise ValueError(
                f"{where}.{name} must be {words}. Received: {fields[name]!r}"
            )


def check_names(where: str, fields: Any, names: Iterable[str]) -> None:
    """Checks that fields are a group of these names and no others.

    Raises:
        ValueError: when they are not.
    """
    if not isinstance(fields, Mapping) or set(fields) != set(names):
        received = sorted(fields) if isinstance(fields, Mapping) else fields
        raise ValueError(
            f"{where} must have the fields {sorted(names)}. Received: {received!r}"
        )


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
    missing = sorted(known - set(ADDED_LATER) - set(config))
    if missing:
        raise ValueError(
            f"The config must have the fields {missing}. See "
            "trainers/configs/digits.py for all fields."
        )
    _check_known("config", config, known)
    name = model_classes.name_of(config)
    arguments = model_classes.arguments_of(name, class_names)
    _check_known(f"config.model of {name}", config["model"], arguments)
    for argument, condition in _NOT_IN_DATA.items():
        if config["model"].get(argument) is not None:
            raise ValueError(
                "trainers.train knows labels and captions as conditions, and the maps "
                "of config.task: datasets hold no others. Leave "
                f"config.model.{argument} out, or call the model's fit on batches that "
                f'hold "{condition}". Received: {config["model"][argument]!r}'
            )
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
    if config.get("task") is not None and config.get("mutation_rate"):
        raise ValueError(
            "config.mutation_rate is for models of images alone. Leave it 0, or "
            f"config.task out. Received: {config['mutation_rate']!r}"
        )
    rules = {name: rule for name, rule in _RULES.items() if name in config}
    check_values("config", config, rules)


def _check_known(where: str, fields: Iterable[str], known: set[str]) -> None:
    unknown = sorted(set(fields) - known)
    if unknown:
        raise ValueError(
            f"{where} may have the fields {sorted(known)}. Received, unknown: {unknown}"
        )
