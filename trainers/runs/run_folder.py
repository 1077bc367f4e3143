"""RunFolder: the paths in a workdir, whose config it is, and who trains in it."""

import contextlib
import errno
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import filelock
import tensorflow as tf

from keras_pixelcnn.files import read_json, remove_parts, replace_when_written
from trainers.runs.config import ADDED_LATER

_ABSENT = "absent"
_ADDED_INSIDE = {
    "autoencoder.begins_with_mse": False,
    "autoencoder.guidance_scale": None,
    "autoencoder.top_p": None,
    "drawing.guidance_scale": None,
    "drawing.top_p": None,
    "model.condition_dropout": 0.0,
}
"""As `ADDED_LATER`, of fields in groups."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class RunFolder:
    """The paths in a workdir, and the claims on it."""

    def __init__(self, workdir: str | os.PathLike[str]) -> None:
        self.path = pathlib.Path(workdir)
        self.config = self.path / "config.json"
        self.environment = self.path / "environment.json"
        self.model = self.path / "model.keras"
        self.metrics = self.path / "metrics.json"
        self.samples = self.path / "samples.png"
        self.completions = self.path / "completions.png"
        self.checkpoints = self.path / "checkpoints"
        self.history = self.path / "history.jsonl"
        self.export = self.path / "export" / "1"

    def check(self, config: dict[str, Any]) -> None:
        """Checks that the folder is new or belongs to a run with this config.

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
        """Checks the folder, and writes the config to a new one."""
        self.check(config)
        if not self.config.exists():
            write_json(self.config, config)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other runs out of the folder, and removes what killed ones have left.

        The lock is the system's (flock): it goes with its process, however that ends.
        On storage that several machines share it holds among all of them where the
        file system passes locks on, as NFS does since Linux 2.6.12, and otherwise
        among the processes of each machine.

        Raises:
            ValueError: when another run holds the folder.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            with filelock.FileLock(self.path / ".lock", timeout=0):
                remove_parts(self.path)
                yield
        except filelock.Timeout as error:
            raise ValueError(
                f"Another run is training in {self.path}. Wait for it or stop it, or "
                "choose another workdir."
            ) from error


@contextlib.contextmanager
def full_disk_explained(workdir: str | os.PathLike[str]) -> Iterator[None]:
    """Replaces the system's error about a full disk by a sentence.

    Raises:
        OSError: when the disk of the workdir was full, inside the block.
    """
    try:
        yield
    except (OSError, tf.errors.ResourceExhaustedError) as error:
        # What TensorFlow itself writes it tells of in words alone.
        number = error.errno if isinstance(error, OSError) else errno.ENOSPC
        is_of_disk = isinstance(error, OSError) or os.strerror(number) in str(error)
        if number not in _FULL or not is_of_disk or "make room" in str(error):
            raise
        raise OSError(
            number,
            f"{workdir} must lie on a disk with room ({os.strerror(number)}). What was "
            "saved before is kept: make room, and the same command goes on",
        ) from error


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Writes JSON, whole or not at all."""
    with replace_when_written(path) as part:
        part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _differences(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    there, here = (
        _ADDED_INSIDE | _flatten(ADDED_LATER | config) for config in (there, here)
    )
    return [
        f"{name} is {there.get(name, _ABSENT)!r} there, {here.get(name, _ABSENT)!r} now"
        # That forbids or allows what another field says, and changes nothing itself.
        for name in sorted({*there, *here} - {"merge_levels"})
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
