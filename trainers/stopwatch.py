"""How long a run has trained, over all the times it was started."""

import pathlib
import time
from typing import Any

import keras

from trainers.run_folder import read_json, write_json


class Stopwatch(keras.callbacks.Callback):
    """Adds up the seconds spent in `fit`, and writes them down every epoch.

    Args:
        path: a JSON file. What it holds already is added to.

    Attributes:
        seconds: the sum, up to the end of the last epoch.
    """

    def __init__(self, path: pathlib.Path) -> None:
        super().__init__()
        self.seconds = read_json(path)["seconds"] if path.exists() else 0.0
        self._path = path
        self._last = time.monotonic()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Starts."""
        self._last = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the epoch, what other callbacks did in it included."""
        now = time.monotonic()
        self.seconds += now - self._last
        self._last = now
        write_json(self._path, {"seconds": self.seconds})
