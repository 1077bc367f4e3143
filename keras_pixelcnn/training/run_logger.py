"""What a run tells of itself: its figures, its history, TensorBoard, its best model."""

import pathlib
import time
from collections.abc import Mapping
from typing import Any

from keras_pixelcnn.files import replace_when_written
from keras_pixelcnn.training.event_log import EventLog
from keras_pixelcnn.training.history import History
from keras_pixelcnn.training.run_state import Progress


class RunRecords:
    """The files that tell of a run: history.jsonl, logs/ and model.keras.

    Args:
        folder: of the run.
        is_written: whether this process writes them.
        loss_name: what the loss is called. Default: bits per dimension.

    Attributes:
        folder: of the run.
        event_log: TensorBoard's.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        is_written: bool = True,
        loss_name: str = "bits_per_dim",
    ) -> None:
        self.folder = folder
        self._loss_name = loss_name
        self.event_log = EventLog(folder / "logs")
        self._history = History(folder / "history.jsonl")
        self._is_written = is_written
        self._begin = time.monotonic()
        self._earlier_seconds = 0.0
        self._batch_size = 0
        self._last_step, self._last_seconds = 0, 0.0
        self._images_per_second: float | None = None

    def begin(self, progress: Progress, batch_size: int) -> None:
        """Starts the clock."""
        self._begin = time.monotonic()
        self._earlier_seconds = progress.seconds
        self._batch_size = batch_size
        self._last_step, self._last_seconds = progress.step, self.seconds

    @property
    def seconds(self) -> float:
        """Seconds of training, over all the times that the run was started."""
        return self._earlier_seconds + time.monotonic() - self._begin

    def cut(self, step: int) -> None:
        """Takes away what comes after a step."""
        if self._is_written:
            self._history.cut(step)
            self.event_log.cut(step)

    def flush(self) -> None:
        """Sees to it that all is on the disk."""
        if self._is_written:
            self._history.flush()
            self.event_log.flush()

    def close(self) -> None:
        """Ends."""
        self.event_log.close()

    def measure(self, step: int) -> None:
        """Takes the speed since the last row, before other work is done."""
        steps = step - self._last_step
        seconds = self.seconds - self._last_seconds
        self._images_per_second = None
        if steps and seconds:
            self._images_per_second = steps * self._batch_size / seconds

    def write_row(
        self, progress: Progress, steps_per_epoch: int, is_validated: bool = False
    ) -> None:
        """Adds a line to the history, and the same to TensorBoard, as last measured.

        Args:
            progress: of the run; it begins a new row.
            steps_per_epoch: of the images.
            is_validated: whether this is the end of an epoch.
        """
        name = self._loss_name
        train = {
            "learning_rate": progress.learning_rate,
            "gradient_norm": progress.gradient_norm,
            "images_per_second": self._images_per_second,
        }
        row = {
            "step": progress.step,
            "epoch": progress.step / steps_per_epoch,
            "seconds": self.seconds,
            **train,
            f"train_{name}": progress.row_loss,
        }
        curves = {"train": {**train, name: progress.row_loss}}
        if is_validated:
            row[f"validation_{name}"] = progress.validation
            curves["validation"] = {name: progress.validation}
        if is_validated and progress.validation_ema is not None:
            row[f"validation_ema_{name}"] = progress.validation_ema
            curves["validation_ema"] = {name: progress.validation_ema}
        progress.begin_row()
        self._last_step, self._last_seconds = progress.step, self.seconds
        if self._is_written:
            self._history.append(row)
            self._log(curves, progress.step)

    def _log(self, curves: Mapping[str, Mapping[str, Any]], step: int) -> None:
        for curve, values in curves.items():
            known = {name: each for name, each in values.items() if each is not None}
            self.event_log.scalars(curve, known, step)

    def write_model(self, model: Any) -> None:
        """Saves the model with the weights that are in place as the best."""
        with replace_when_written(self.folder / "model.keras") as part:
            model.save(part)
