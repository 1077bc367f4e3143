"""RunLogger: writes a run's history.jsonl, TensorBoard logs and best model."""

import json
import os
import pathlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.util import event_pb2

from keras_pixelcnn.files import replace_when_written
from keras_pixelcnn.training.run_state import RunState


class RunLogger:
    """Writes the files that describe a run: history.jsonl, logs/ and model.keras.

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
        self._history = HistoryFile(folder / "history.jsonl")
        self._is_written = is_written
        self._begin = time.monotonic()
        self._earlier_seconds = 0.0
        self._batch_size = 0
        self._last_step, self._last_seconds = 0, 0.0
        self._images_per_second: float | None = None

    def begin(self, state: RunState, batch_size: int) -> None:
        """Starts the clock."""
        self._begin = time.monotonic()
        self._earlier_seconds = state.seconds
        self._batch_size = batch_size
        self._last_step, self._last_seconds = state.step, self.seconds

    @property
    def seconds(self) -> float:
        """Seconds of training, over all the times that the run was started."""
        return self._earlier_seconds + time.monotonic() - self._begin

    def cut(self, step: int) -> None:
        """Removes what was logged after a step."""
        if self._is_written:
            self._history.cut(step)
            self.event_log.cut(step)

    def flush(self) -> None:
        """Waits until all that was logged is on the disk."""
        if self._is_written:
            self._history.flush()
            self.event_log.flush()

    def close(self) -> None:
        """Closes TensorBoard's log."""
        self.event_log.close()

    def measure(self, step: int) -> None:
        """Measures the speed since the last row, before other work is done."""
        steps = step - self._last_step
        seconds = self.seconds - self._last_seconds
        self._images_per_second = None
        if steps and seconds:
            self._images_per_second = steps * self._batch_size / seconds

    def write_row(
        self, state: RunState, steps_per_epoch: int, is_validated: bool = False
    ) -> None:
        """Adds a line to the history, and the same to TensorBoard, as last measured.

        Args:
            state: of the run; it begins a new row.
            steps_per_epoch: of the images.
            is_validated: whether this is the end of an epoch.
        """
        name = self._loss_name
        train = {
            "learning_rate": state.learning_rate,
            "gradient_norm": state.gradient_norm,
            "images_per_second": self._images_per_second,
        }
        row = {
            "step": state.step,
            "epoch": state.step / steps_per_epoch,
            "seconds": self.seconds,
            **train,
            f"train_{name}": state.row_loss,
        }
        curves = {"train": {**train, name: state.row_loss}}
        if is_validated:
            row[f"validation_{name}"] = state.validation
            curves["validation"] = {name: state.validation}
        if is_validated and state.validation_ema is not None:
            row[f"validation_ema_{name}"] = state.validation_ema
            curves["validation_ema"] = {name: state.validation_ema}
        state.begin_row()
        self._last_step, self._last_seconds = state.step, self.seconds
        if self._is_written:
            self._history.append(row)
            for curve, values in curves.items():
                known = {k: each for k, each in values.items() if each is not None}
                self.event_log.scalars(curve, known, state.step)

    def write_model(self, model: Any) -> None:
        """Saves the model with the weights that are in place as the best."""
        with replace_when_written(self.folder / "model.keras") as part:
            model.save(part)


class HistoryFile:
    """A file of JSON lines, each with the "step" that it belongs to, none twice.

    Args:
        path: the file; made with the first line.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = pathlib.Path(path)

    def append(self, row: Mapping[str, Any]) -> None:
        """Adds a line."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def flush(self) -> None:
        """Waits until all lines are on the disk."""
        if self.path.exists():
            with self.path.open("rb") as file:
                os.fsync(file.fileno())

    def cut(self, step: int) -> None:
        """Removes the lines after a step, and a last line that was half written.

        Args:
            step: the step that training goes on from.
        """
        if not self.path.exists():
            return
        kept = [row for row in self.rows() if row["step"] <= step]
        with replace_when_written(self.path) as part:
            text = "".join(json.dumps(row) + "\n" for row in kept)
            part.write_text(text, encoding="utf-8")

    def rows(self) -> list[dict[str, Any]]:
        """Returns all whole lines."""
        rows = []
        if self.path.exists():
            text = self.path.read_text(encoding="utf-8", errors="replace")
            for line in text.splitlines():
                try:
                    rows.append(json.loads(line))
                except (ValueError, RecursionError):  # the writer was killed, or worse
                    continue
        return [
            row
            for row in rows
            if isinstance(row, dict) and isinstance(row.get("step"), int)
        ]


class EventLog:
    """TensorBoard's scalars and pictures, in a folder for each curve of a diagram.

    Args:
        folder: where the log lies; made with the first entry.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = pathlib.Path(folder)
        self._writers: dict[str, tf.summary.SummaryWriter] = {}

    def scalars(self, curve: str, values: Mapping[str, float], step: int) -> None:
        """Adds numbers.

        Args:
            curve: name of the folder inside the log, as "train".
            values: by the diagram's name.
            step: the training step.
        """
        with self._writer(curve).as_default():
            for name, value in values.items():
                tf.summary.scalar(name, value, step=step)

    def picture(self, curve: str, name: str, picture: np.ndarray, step: int) -> None:
        """Adds a picture, uint8 (height, width, channels)."""
        with self._writer(curve).as_default():
            tf.summary.image(name, picture[np.newaxis], step=step)

    def _writer(self, curve: str) -> tf.summary.SummaryWriter:
        if curve not in self._writers:
            path = str(self.folder / curve)
            self._writers[curve] = tf.summary.create_file_writer(path)
        return self._writers[curve]

    def flush(self) -> None:
        """Writes what has been added."""
        for writer in self._writers.values():
            writer.flush()

    def close(self) -> None:
        """Writes what has been added, and closes the files."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def cut(self, step: int) -> None:
        """Removes the entries after a step, and a last one that was half written.

        Args:
            step: the step that training goes on from.
        """
        for path in self.folder.rglob("*.tfevents.*"):
            if not path.name.startswith("."):
                _cut_events(path, step)


def _cut_events(path: pathlib.Path, step: int) -> None:
    records = list(_whole_records(path))
    kept = [
        record for record in records if event_pb2.Event.FromString(record).step <= step
    ]
    with replace_when_written(path) as part:
        with tf.io.TFRecordWriter(str(part)) as writer:
            for record in kept:
                writer.write(record)


def _whole_records(path: pathlib.Path) -> Iterator[bytes]:
    try:
        yield from tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    except tf.errors.DataLossError:  # the writer was killed
        return
