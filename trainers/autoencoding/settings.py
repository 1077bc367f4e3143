"""Checks of an auto-encoder's config, before anything is loaded or written."""

from collections.abc import Mapping
from typing import Any

from trainers.runs import settings

CLASS_NAMES = ("PixelCNNAutoencoder",)

_FIELDS = {
    "mse_epochs": 1,
    "mse_learning_rate": None,
    "probe_images": 1,
    "num_rows": 1,
    "num_reconstructions": 1,
    "importance_samples": 1,
}
"""Those of config.autoencoder, and the least that integers may be."""


def check_config(config: Mapping[str, Any]) -> None:
    """Checks a config's names, and the values that the library would not check.

    Args:
        config: with the fields of `trainers.configs.autoencoder_digits`.

    Raises:
        ValueError: when a field is missing, unknown or out of its range.
    """
    settings.check_config(config, CLASS_NAMES, more_fields=["autoencoder"])
    fields = config.get("autoencoder")
    if not isinstance(fields, Mapping) or set(fields) != set(_FIELDS):
        received = sorted(fields) if isinstance(fields, Mapping) else fields
        raise ValueError(
            f"config.autoencoder must have the fields {sorted(_FIELDS)}, as in "
            f"trainers/configs/autoencoder_digits.py. Received: {received!r}"
        )
    for name, least in _FIELDS.items():
        value = fields[name]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if least is None and not (is_number and 0 < value < float("inf")):
            raise ValueError(
                f"config.autoencoder.{name} must be above 0. Received: {value!r}"
            )
        if least is not None and not (type(value) is int and value >= least):
            raise ValueError(
                f"config.autoencoder.{name} must be an integer of at least {least}. "
                f"Received: {value!r}"
            )
