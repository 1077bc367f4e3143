"""Keras callbacks for training likelihood models."""

import math
import os
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn.files import replace_when_written
from keras_pixelcnn.image_grid import columns_of, image_grid, save_image_grid

_WATCHED = ("loss", "bits_per_dim", "val_loss", "val_bits_per_dim")


class NonFiniteLossError(RuntimeError):
    """Raised when the loss, its gradient or the weights are not finite."""


class StopOnNonFiniteLoss(keras.callbacks.Callback):
    """Ends training at the first step whose loss is infinite or not a number.

    It should be the first of the callbacks, so that no other one saves the weights
    of an epoch whose validation went wrong. Under `steps_per_execution` the step named
    is the last of those executed together.

    Args:
        saved_model: where the best model so far is written, for the error to name.
            Default: the error names none.

    Raises:
        NonFiniteLossError: out of `fit`; it names the step and what to do.
    """

    def __init__(self, saved_model: str | os.PathLike[str] | None = None) -> None:
        super().__init__()
        self.saved_model = saved_model
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Remembers the epoch, to name it."""
        self._epoch = epoch

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Looks at the running means of the epoch."""
        # A mean that once took in such a value stays so until the next epoch. Hence
        # the first step where the mean shows it is the step where it happened.
        self._check(logs, f"batch {batch + 1} of epoch {self._epoch + 1}")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks at the validation, which sees the weights after the last step."""
        self._check(logs, f"the end of epoch {epoch + 1}")

    def _check(self, logs: dict[str, Any] | None, where: str) -> None:
        for name in _WATCHED:
            value = float((logs or {}).get(name, 0.0))
            if not math.isfinite(value):
                raise NonFiniteLossError(self._message(name, value, where))

    def _message(self, name: str, value: float, where: str) -> str:
        optimizer = self.model.optimizer
        return (
            f"{name} must be finite. It is {value} at step "
            f"{int(optimizer.iterations)}, {where}. Lower the learning rate (here "
            f"{float(optimizer.learning_rate):.3g}) or look for what is unusual in "
            f"the data.{self._saved()}"
        )

    def _saved(self) -> str:
        if self.saved_model is None:
            return ""
        if pathlib.Path(self.saved_model).exists():
            return f" The best model so far is kept: {self.saved_model}"
        return " No model had been saved yet."


class SaveBest(keras.callbacks.Callback):
    """Saves the model, whole or not at all, whenever an epoch is the best so far.

    What is saved are the weights at the end of that epoch, the optimizer's state
    included. Where an average of the weights is validated, put
    `keras.callbacks.SwapEMAWeights(swap_on_epoch=True)` before this callback.

    Args:
        filepath: the file, which must end in `.keras`. An older one is replaced.
        monitor: what is to become small. Default "val_bits_per_dim".
        best: the value that the next one must be less than, when training goes on
            with a model that was saved before. Default: any.
        best_epoch: the epoch of `best`, counted from 1.

    Attributes:
        best: the least value so far.
        best_epoch: the epoch of it, counted from 1, None before the first.

    Raises:
        ValueError: when `filepath` has another suffix, or, out of `fit`, when an
            epoch ends without the value to monitor.
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_bits_per_dim",
        best: float = math.inf,
        best_epoch: int | None = None,
    ) -> None:
        super().__init__()
        self.filepath = pathlib.Path(filepath)
        if self.filepath.suffix != ".keras":
            raise ValueError(
                "filepath must end in .keras, the format that Keras loads a whole "
                f"model from. Received: filepath={str(filepath)!r}"
            )
        self.monitor = monitor
        self.best = best
        self.best_epoch = best_epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Saves if the epoch is the best."""
        if self.monitor not in (logs or {}):
            raise ValueError(
                f"{self.monitor} must be known at the end of every epoch; what is "
                f"known is {sorted(logs or {})}. Pass validation_data to fit, with "
                "validation_freq=1, or another monitor."
            )
        value = float(logs[self.monitor])
        if value < self.best:
            with replace_when_written(self.filepath) as part:
                self.model.save(part)
            self.best, self.best_epoch = value, epoch + 1


class GridContents(NamedTuple):
    """What a grid of samples shows: their number, conditions and columns."""

    num_samples: int
    conditions: dict[str, Any]
    columns: int | None


def plan_samples(
    model: Any,
    num_samples: int,
    conditions: Mapping[str, Any] | None = None,
    columns: int | None = None,
) -> GridContents:
    """Chooses what a picture of a model's samples shows.

    Args:
        model: an `AutoregressiveImageModel`.
        num_samples: images in the picture.
        conditions: as for `sample`. Default: for a model that takes only a label, a row
            of each class (num_samples // num_classes images, at least 1); else none.
        columns: images in a row. Default: those of a class, of more than 16 several
            rows; else nearly square.

    Raises:
        ValueError: when the model needs conditions that are not given, or takes others.
    """
    names, classes = model.conditions.names, model.conditions.num_classes
    if conditions is None and names == ["label"]:
        per_class = max(num_samples // classes, 1)
        labels = np.repeat(np.arange(classes), per_class)
        columns = columns or columns_of(per_class)
        return GridContents(len(labels), {"label": labels}, columns)
    if conditions is None and names and not model.conditions.optional:
        raise ValueError(
            f"The model needs the conditions {names}, and so do its samples: pass "
            "conditions={...} to SampleGrids, one for all samples or one for each."
        )
    given = dict(conditions or {})
    model.conditions.prepare(given, num_samples)
    return GridContents(num_samples, given, columns)


class SampleGrids(keras.callbacks.Callback):
    """Samples every few epochs, and shows the images as one picture in TensorBoard.

    The seed stays the same, so that the pictures show what training changed.

    Args:
        log_dir: the directory of the TensorBoard log.
        every: draws at the end of every so many epochs. Default 1.
        num_samples: images in the picture. Default 64.
        seed: integer seed of the samples. Default 0.
        png_path: a PNG file to write too, as "samples-{epoch:03d}.png". Default: none.
        conditions: what samples are drawn given. Default: see `plan_samples`.
        columns: images in a row. Default: see `plan_samples`.

    Raises:
        ValueError: when a number is less than 1, and out of `fit` as `plan_samples`.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        every: int = 1,
        num_samples: int = 64,
        seed: int = 0,
        png_path: str | os.PathLike[str] | None = None,
        conditions: Mapping[str, Any] | None = None,
        columns: int | None = None,
    ) -> None:
        super().__init__()
        counts = {"every": every, "num_samples": num_samples, "columns": columns}
        for name, value in counts.items():
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1. Received: {name}={value}")
        self.log_dir = log_dir
        self.every = every
        self.num_samples = num_samples
        self.seed = seed
        self.png_path = png_path
        self.conditions = conditions
        self.columns = columns
        self._writer: Any = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Checks the conditions, before an epoch is spent."""
        self._plan()

    def _plan(self) -> GridContents:
        return plan_samples(self.model, self.num_samples, self.conditions, self.columns)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Samples and writes the picture, at the end of every so many epochs."""
        if (epoch + 1) % self.every:
            return
        count, given, columns = self._plan()
        images = self.model.sample(count, seed=self.seed, **given).numpy()
        picture = image_grid(images, self.model.num_levels, columns)
        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self.log_dir))
        with self._writer.as_default():
            # Steps are epochs counted from 0, as Keras logs its scalars.
            tf.summary.image("samples", picture[None], step=epoch)
        self._writer.flush()
        if self.png_path is not None:
            path = str(self.png_path).format(epoch=epoch + 1)
            save_image_grid(path, images, self.model.num_levels, columns)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Closes the log."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
