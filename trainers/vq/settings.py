"""Checks of the config of a VQ-VAE with its prior."""

import math
from collections.abc import Mapping
from typing import Any

from trainers.configs import vq_prior_fashion_mnist
from trainers.runs import settings

_SET_BY_DATA = {"input_encoding": "embedding", "likelihood": "categorical"}
_NUMBERS = {
    "learning_rate": ("above 0", lambda value: 0 < value < math.inf),
    "commitment": ("at least 0", lambda value: 0 <= value < math.inf),
    "decay": ("in [0, 1)", lambda value: 0 <= value < 1),
}
_MOST_CODES = 65_536


def check_config(config: Mapping[str, Any]) -> None:
    """Checks a config's names and values, before anything is loaded or written.

    Args:
        config: with the fields of `trainers.configs.vq_prior_fashion_mnist`.

    Raises:
        ValueError: when a field is missing, unknown or out of its range.
    """
    settings.check_config(
        {name: value for name, value in config.items() if name != "vq_vae"}
    )
    fields = config.get("vq_vae")
    known = set(vq_prior_fashion_mnist.get_config()["vq_vae"])
    if not isinstance(fields, Mapping) or set(fields) != known:
        received = sorted(fields) if isinstance(fields, Mapping) else fields
        raise ValueError(
            f"config.vq_vae must have the fields {sorted(known)}. Received: {received}"
        )
    for name, value in fields.items():
        rule, holds = _NUMBERS.get(name, _rule_of_size(name))
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not holds(value):
            raise ValueError(
                f"config.vq_vae.{name} must be {rule}. Received: {value!r}"
            )
    _check_prior(config)


def _rule_of_size(name: str) -> tuple[str, Any]:
    if name == "num_codes":
        return (
            f"an integer from 2 to {_MOST_CODES:,}",
            lambda value: isinstance(value, int) and 2 <= value <= _MOST_CODES,
        )
    return (
        "an integer of at least 1",
        lambda value: isinstance(value, int) and value > 0,
    )


def _check_prior(config: Mapping[str, Any]) -> None:
    for name, value in _SET_BY_DATA.items():
        if config["model"].get(name, value) != value:
            raise ValueError(
                f"config.model.{name} must be {value!r}: codes have no order. "
                f"Received: {config['model'][name]!r}"
            )
    if config["horizontal_flips"]:
        raise ValueError(
            "config.horizontal_flips must be False: the codes of a mirrored image are "
            "not the mirrored codes. Received: True"
        )
    if config.get("mutation_rate"):
        raise ValueError(
            "config.mutation_rate must be 0: the codes of a mutated image are others. "
            f"Received: {config['mutation_rate']!r}"
        )
