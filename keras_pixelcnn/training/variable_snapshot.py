"""Variables to arrays and back: what a checkpoint holds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


class TrainingState:
    """All variables that training changes.

    Args:
        groups: variables by the name of their group, always in the same order.
    """

    def __init__(self, groups: Mapping[str, Sequence[Any]]) -> None:
        self._variables = {
            f"{group}/{index:04}": variable
            for group, variables in groups.items()
            for index, variable in enumerate(variables)
        }

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Copies of all values."""
        return {
            name: np.array(variable.numpy())
            for name, variable in self._variables.items()
        }

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Gives all variables the values that `to_arrays` gave.

        Raises:
            ValueError: when they are those of another model or optimizer.
        """
        there = {name: tuple(value.shape) for name, value in arrays.items()}
        here = {name: tuple(value.shape) for name, value in self._variables.items()}
        if there != here:
            names = sorted({*there.items()} ^ {*here.items()})
            raise ValueError(
                "The checkpoint must be of the same model and optimizer. Received: one "
                f"that differs in {len(names)} variables, the first {names[0]}"
            )
        for name, variable in self._variables.items():
            variable.assign(arrays[name])
