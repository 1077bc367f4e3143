"""The saved state of a run: its counters and figures, and its variables' values."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


@dataclasses.dataclass
class RunState:
    """The counters and figures of a run, which are saved with the weights.

    Attributes:
        step: number of steps taken.
        best_score: the least validation so far, None before the first.
        best_step: the step of it.
        best_epoch: the epoch of it, counted from 1.
        num_skipped: steps left out because they were not finite.
        seconds: of training, over all the times that the run was started.
        is_validation_due: whether the step is the last of an epoch that has not been
            validated.
        is_stopped: whether the run was asked to stop.
    """

    step: int = 0
    best_score: float | None = None
    best_step: int | None = None
    best_epoch: int | None = None
    num_skipped: int = 0
    seconds: float = 0.0
    is_validation_due: bool = False
    learning_rate: float | None = None
    gradient_norm: float | None = None
    validation: float | None = None
    validation_ema: float | None = None
    row_sum: float = 0.0
    row_count: int = 0
    epoch_sum: float = 0.0
    epoch_count: int = 0
    is_stopped: bool = False

    @classmethod
    def from_facts(cls, step: int, facts: Mapping[str, Any]) -> "RunState":
        """Returns the state that `to_facts` described."""
        names = {field.name for field in dataclasses.fields(cls)} - {"step"}
        return cls(step, **{name: facts[name] for name in names if name in facts})

    def to_facts(self, seconds: float) -> dict[str, Any]:
        """Returns what is saved beside the weights and the step.

        Args:
            seconds: of training so far.
        """
        facts = {**dataclasses.asdict(self), "seconds": seconds}
        del facts["step"], facts["is_stopped"]
        return facts

    def add(self, loss: float) -> None:
        """Adds the loss of a step to the running means."""
        self.row_sum += loss
        self.row_count += 1
        self.epoch_sum += loss
        self.epoch_count += 1

    @property
    def epoch_loss(self) -> float:
        """The mean loss of the epoch's steps so far."""
        return self.epoch_sum / self.epoch_count if self.epoch_count else math.nan

    @property
    def row_loss(self) -> float | None:
        """The mean loss of the steps since the last line of the history."""
        return self.row_sum / self.row_count if self.row_count else None

    def begin_row(self) -> None:
        """Resets the running mean of a line of the history."""
        self.row_sum, self.row_count = 0.0, 0

    def begin_epoch(self) -> None:
        """Resets the running mean of an epoch."""
        self.epoch_sum, self.epoch_count = 0.0, 0
        self.is_validation_due = False

    @property
    def score(self) -> float:
        """The validation that counts: the averaged weights' if there are any."""
        return self.validation if self.validation_ema is None else self.validation_ema

    def update_best(self, epoch: int) -> bool:
        """Returns whether the validation is the best so far, and remembers it if so."""
        is_first = self.best_score is None or math.isnan(self.best_score)
        is_best = is_first or self.score < self.best_score
        if is_best:
            self.best_score, self.best_step = self.score, self.step
            self.best_epoch = epoch
        return is_best

    def line(self, epoch: int, epochs: int, name: str = "bits_per_dim") -> str:
        """Returns a line that describes an epoch.

        Args:
            epoch: counted from 1.
            epochs: of the run.
            name: of the loss. Default: bits per dimension.
        """
        ema = ""
        if self.validation_ema is not None:
            ema = f" - ema_val_{name}: {self.validation_ema:.4f}"
        return (
            f"Epoch {epoch}/{epochs} - {name}: {self.epoch_loss:.4f}"
            f" - val_{name}: {self.validation:.4f}{ema}"
            f" - learning_rate: {self.learning_rate or 0:.3g}"
        )


class VariableSnapshot:
    """Copies all variables that training changes to arrays, and arrays back to them.

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
        """Returns copies of all values."""
        return {
            name: np.array(variable.numpy())
            for name, variable in self._variables.items()
        }

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Gives all variables the values that `to_arrays` returned.

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
