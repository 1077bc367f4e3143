"""Keras callbacks for training likelihood models."""

import math
import os
import pathlib
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn.files import replace_when_written
from keras_pixelcnn.image_grid import image_grid, save_image_grid

_WATCHED = ("loss", "bits_per_dim", "val_loss", "val_bits_per_dim")


class NonFiniteLossError(RuntimeError):
    """The loss is infinite or not a number: the weights are of no use any more."""


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


class SampleGrids(keras.callbacks.Callback):
    """Draws samples every few epochs and shows them as one picture in TensorBoard.

    The seed stays the same, so that the pictures show what training changed.

    Args:
        log_dir: the directory of the TensorBoard log.
        every: draws at the end of every so many epochs. Default 1.
        num_samples: images in the picture. Default 64.
        seed: integer seed of the samples. Default 0.
        png_path: where to write the picture as a PNG file, too, with "{epoch}" in
            the name to keep all: "samples-{epoch:03d}.png". Default: nowhere.

    Raises:
        ValueError: when `every` or `num_samples` is less than 1.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        every: int = 1,
        num_samples: int = 64,
        seed: int = 0,
        png_path: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__()
        for name, value in (("every", every), ("num_samples", num_samples)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1. Received: {name}={value}")
        self.log_dir = log_dir
        self.every = every
        self.num_samples = num_samples
        self.seed = seed
        self.png_path = png_path
        self._writer = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Draws, if it is the time."""
        if (epoch + 1) % self.every:
            return
        images = self.model.sample(self.num_samples, seed=self.seed).numpy()
        levels = self.model.num_levels
        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self.log_dir))
        with self._writer.as_default():
            # Steps are epochs counted from 0, as Keras logs its scalars.
            tf.summary.image("samples", image_grid(images, levels)[None], step=epoch)
        self._writer.flush()
        if self.png_path is not None:
            path = str(self.png_path).format(epoch=epoch + 1)
            save_image_grid(path, images, levels)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Closes the log."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
