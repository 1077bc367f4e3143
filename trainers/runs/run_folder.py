"""The folder of a run: what lies where, and which config it belongs to."""

import contextlib
import errno
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from keras_pixelcnn.files import replace_when_written

_ABSENT = "absent"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

_ADDED_LATER = {"model_class": "GatedPixelCNN", "initial_model": None}
"""Fields that configs of older runs lack, and what they would have said."""


class RunFolder:
    """The paths inside a workdir.

    Args:
        workdir: the folder, made when something is written.
    """

    def __init__(self, workdir: str | os.PathLike[str]) -> None:
        self.path = pathlib.Path(workdir)
        self.config = self.path / "config.json"
        self.environment = self.path / "environment.json"
        self.model = self.path / "model.keras"
        self.metrics = self.path / "metrics.json"
        self.samples = self.path / "samples.png"
        self.completions = self.path / "completions.png"
        self.checkpoints = self.path / "checkpoints"
        self.logs = self.path / "logs"
        self.history = self.path / "history.jsonl"
        self.export = self.path / "export" / "1"

    def check(self, config: dict[str, Any]) -> None:
        """Checks that the folder is new or belongs to a run with this config.

        Args:
            config: plain nested dict of the run's settings.

        Raises:
            ValueError: when the folder belongs to a run with another config, or to
                one whose config is lost.
        """
        if self.config.exists():
            here = json.loads(json.dumps(config))  # tuples are lists in JSON
            there = read_json(self.config)
            if not isinstance(there, dict):
                raise ValueError(
                    f"{self.config} must hold the fields of a config, and is damaged. "
                    f"Received: {there!r}"
                )
            changes = _differences(there, here)
            if changes:
                raise ValueError(
                    f"{self.path} holds a run with another config: "
                    f"{'; '.join(changes)}. Choose another workdir, or remove this "
                    "one to start anew."
                )
        elif any(
            path.exists() for path in (self.model, self.checkpoints, self.metrics)
        ):
            raise ValueError(
                f"{self.path} holds a run, but not its config.json, so nobody can tell "
                "whether the config is the same. Choose another workdir, or remove "
                "this one."
            )

    def claim(self, config: dict[str, Any]) -> None:
        """Checks the folder, and writes the config down in a new one."""
        self.check(config)
        if not self.config.exists():
            write_json(self.config, config)

    def describe(self, environment: dict[str, Any]) -> None:
        """Writes down what the run runs on, this time."""
        write_json(self.environment, environment)


@contextlib.contextmanager
def full_disk_explained(workdir: str | os.PathLike[str]) -> Iterator[None]:
    """Turns what the system says of a full disk into a sentence.

    Raises:
        OSError: when the disk of the workdir was full, inside the block.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL or "make room" in str(error):
            raise
        raise _full_disk(workdir, error.errno) from error
    except tf.errors.ResourceExhaustedError as error:  # what TensorFlow itself writes
        if os.strerror(errno.ENOSPC) not in str(error):
            raise
        raise _full_disk(workdir, errno.ENOSPC) from error


def _full_disk(workdir: str | os.PathLike[str], number: int) -> OSError:
    return OSError(
        number,
        f"{workdir} must lie on a disk with room ({os.strerror(number)}). What was "
        "saved before is kept: make room, and the same command goes on",
    )


def write_json(path: pathlib.Path, content: Any) -> None:
    """Writes JSON, whole or not at all."""
    with replace_when_written(path) as part:
        part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_json(path: pathlib.Path) -> Any:
    """Reads JSON.

    Raises:
        ValueError: when the file holds something else.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} must hold JSON, and is damaged: {error}") from error


def _differences(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    there, here = (_flatten(_ADDED_LATER | config) for config in (there, here))
    return [
        f"{name} is {there.get(name, _ABSENT)!r} there, {here.get(name, _ABSENT)!r} now"
        for name in sorted({*there, *here})
        if there.get(name, _ABSENT) != here.get(name, _ABSENT)
    ]


def _flatten(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for name, value in config.items():
        if isinstance(value, dict):
            flat.update(_flatten(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat
