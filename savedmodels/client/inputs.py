"""The arrays of a call: each input with its type, and a value for each row."""

import math
import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

from savedmodels.client.arguments import (
    broadcast,
    cast,
    check_batch,
    count_rows,
    prepare_seeds,
)
from savedmodels.client.calls import Call
from savedmodels.client.errors import InvalidRequestError


def prepare_inputs(
    call: Call,
    given: Mapping[str, Any],
    seed: Any = None,
    count: int | None = None,
    batch: str | None = None,
) -> tuple[dict[str, np.ndarray], int]:
    """Gives every row of a call its inputs.

    Args:
        call: whose signature says what it takes.
        given: by name, one for all rows or one for each.
        seed: for the input "seed", if it is not given: one for the call, or one for
            each row. Default: at random.
        count: number of rows n. Default: as many as an input has, else 1.
        batch: an input that must be one for each row. Default: none.

    Returns:
        Arrays (n, ...) by name, and n.

    Raises:
        InvalidRequestError: when an input is unknown, or not as the signature says.
    """
    specs = call.spec.inputs
    unknown = [name for name in given if name not in specs]
    if unknown:
        raise InvalidRequestError(
            f"The signature {call.name!r} takes {sorted(specs)}. Received: {unknown}"
        )
    values = {name: cast(name, value, specs[name]) for name, value in given.items()}
    if batch is not None:
        check_batch(batch, values[batch], specs[batch])
        count = len(values[batch])
    if count is None:
        count = count_rows(values, specs)
    if count is None and seed is not None:
        seeds = {"seed": cast("seed", seed, specs["seed"])}
        count = count_rows(seeds, specs)
    count = 1 if count is None else count
    arrays = {
        name: broadcast(name, value, specs[name], count)
        for name, value in values.items()
    }
    if "seed" in specs and "seed" not in arrays:
        arrays["seed"] = prepare_seeds(seed, count)
    return arrays, count


def prepare_count(num_samples: Any) -> int | None:
    """Checks a number of images, at least 0, or None.

    Raises:
        InvalidRequestError: when it is no such number.
    """
    if num_samples is None:
        return None
    if not isinstance(num_samples, numbers.Integral) or num_samples < 0:
        raise InvalidRequestError(
            "num_samples must be an integer of at least 0. "
            f"Received: num_samples={num_samples!r}"
        )
    return int(num_samples)


def check_options(
    model: Any, version: Any, version_label: Any, timeout: Any, max_rows: Any
) -> None:
    """Checks the arguments of a client.

    Raises:
        ValueError: when one cannot be.
    """
    if not isinstance(model, str) or not model:
        raise ValueError(f"model must be the name of a model. Received: {model!r}")
    if version is not None and version_label is not None:
        raise ValueError(
            "A version is named by its number or by its label, not by both. Received: "
            f"version={version!r}, version_label={version_label!r}"
        )
    if version is not None and not _is_count(version, 0):
        raise ValueError(
            f"version must be an integer of at least 0. Received: {version!r}"
        )
    if version_label is not None and (
        not isinstance(version_label, str) or not version_label
    ):
        raise ValueError(
            f'version_label must be a name, as "stable". Received: {version_label!r}'
        )
    is_number = isinstance(timeout, numbers.Real) and math.isfinite(timeout)
    if not is_number or timeout <= 0:
        raise ValueError(
            f"timeout must be a number of seconds above 0. Received: {timeout!r}"
        )
    if not _is_count(max_rows, 1):
        raise ValueError(
            f"max_rows must be an integer of at least 1. Received: {max_rows!r}"
        )


def _is_count(value: Any, least: int) -> bool:
    is_integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return is_integer and value >= least
