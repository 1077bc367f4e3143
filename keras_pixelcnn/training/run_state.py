"""How far a run is: all that is saved beside the weights."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass
class Progress:
    """How far a run is; all of it is saved with the weights.

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
    def from_facts(cls, step: int, facts: Mapping[str, Any]) -> "Progress":
        """What `to_facts` gave."""
        names = {field.name for field in dataclasses.fields(cls)} - {"step"}
        return cls(step, **{name: facts[name] for name in names if name in facts})

    def to_facts(self, seconds: float) -> dict[str, Any]:
        """What is saved beside the weights and the step.

        Args:
            seconds: of training so far.
        """
        facts = {**dataclasses.asdict(self), "seconds": seconds}
        del facts["step"], facts["is_stopped"]
        return facts

    def add(self, loss: float) -> None:
        """Takes in a step."""
        self.row_sum += loss
        self.row_count += 1
        self.epoch_sum += loss
        self.epoch_count += 1

    @property
    def epoch_loss(self) -> float:
        """The mean over the epoch's steps so far."""
        return self.epoch_sum / self.epoch_count if self.epoch_count else math.nan

    @property
    def row_loss(self) -> float | None:
        """The mean over the steps since the last line of the history."""
        return self.row_sum / self.row_count if self.row_count else None

    def begin_row(self) -> None:
        """Forgets the steps of the last line."""
        self.row_sum, self.row_count = 0.0, 0

    def begin_epoch(self) -> None:
        """Forgets the steps of the last epoch."""
        self.epoch_sum, self.epoch_count = 0.0, 0
        self.is_validation_due = False

    @property
    def score(self) -> float:
        """The validation that counts: the averaged weights' if there are any."""
        return self.validation if self.validation_ema is None else self.validation_ema

    def take_in_score(self, epoch: int) -> bool:
        """Tells whether the validation is the best so far, and remembers it."""
        is_first = self.best_score is None or math.isnan(self.best_score)
        is_best = is_first or self.score < self.best_score
        if is_best:
            self.best_score, self.best_step = self.score, self.step
            self.best_epoch = epoch
        return is_best

    def line(self, epoch: int, epochs: int, name: str = "bits_per_dim") -> str:
        """An epoch, to be read.

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
