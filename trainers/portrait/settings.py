"""Checks of a portraits config before anything is loaded or written."""

from collections.abc import Mapping
from typing import Any

from keras_pixelcnn.argument_checks import is_integer
from trainers.configs import portraits_glyphs
from trainers.runs.settings import check_config

_OWN_FIELDS = ("divide_identities", "label_feature", "embedder", "drawing")

_RECIPE_FIELDS = ("epochs", "learning_rate", "warmup_share", "weight_decay")
"""Fields of the embedder's training; all others are those of the model's."""


def check_portraits_config(config: Mapping[str, Any]) -> None:
    """Checks a config's names, and the values that the library would not check.

    Args:
        config: with the fields of `trainers.configs.portraits_glyphs`.

    Raises:
        ValueError: when a field is missing, unknown or out of its range.
    """
    missing = [name for name in _OWN_FIELDS if name not in config]
    if missing:
        raise ValueError(
            f"The config must have the fields {missing}. See "
            "trainers/configs/portraits_glyphs.py for all fields. A config of a single "
            "model is for trainers.train."
        )
    check_config(model_config(config))
    known = portraits_glyphs.get_config()
    for name in ("embedder", "drawing"):
        if set(config[name]) != set(known[name]):
            raise ValueError(
                f"config.{name} must have the fields {sorted(known[name])}. "
                f"Received: {sorted(config[name])}"
            )
    check_config(embedder_config(config))
    _check_integers("embedder", config["embedder"], identities=2, images_each=2)
    _check_integers(
        "drawing", config["drawing"], rows=1, columns=2, group_size=2, sources=1
    )
    _check_integers("drawing", config["drawing"], images_each=1, groups=1)
    _check_sample_seed(config["sample_seed"])
    if config["horizontal_flips"]:
        raise ValueError(
            "config.horizontal_flips must be False: the embedding of a mirrored image "
            "would be another. Received: True"
        )
    if config.get("mutation_rate"):
        raise ValueError(
            "config.mutation_rate must be 0: the embedding of a mutated image would be "
            f"another. Received: {config['mutation_rate']!r}"
        )
    if not isinstance(config["divide_identities"], bool):
        raise ValueError(
            "config.divide_identities must be True or False. "
            f"Received: {config['divide_identities']!r}"
        )


def model_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a config that `trainers.train` would take: the model's."""
    return {name: value for name, value in config.items() if name not in _OWN_FIELDS}


def embedder_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config by which the embedder is trained: the model's, and its own fields."""
    embedder = config["embedder"]
    own = {name: embedder[name] for name in _RECIPE_FIELDS}
    return {
        **model_config(config),
        **own,
        "batch_size": embedder["identities"] * embedder["images_each"],
        "steps": None,
        # Triplets are mined in whole batches.
        "gradient_accumulation_steps": 1,
    }


def _check_sample_seed(seed: Any) -> None:
    if not is_integer(seed, 0) or seed >= 2**32:
        raise ValueError(
            f"config.sample_seed must be an integer in [0, 2**32). Received: {seed!r}"
        )


def _check_integers(where: str, fields: Mapping[str, Any], **least: int) -> None:
    for name, bound in least.items():
        value = fields[name]
        if not is_integer(value, bound):
            raise ValueError(
                f"config.{where}.{name} must be an integer of at least {bound}. "
                f"Received: {value!r}"
            )
