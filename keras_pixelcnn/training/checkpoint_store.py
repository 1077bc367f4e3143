"""CheckpointStore: a folder of checkpoints that loses none when it is killed."""

import contextlib
import errno
import operator
import os
import pathlib
import re
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import filelock
import numpy as np

from keras_pixelcnn.files import remove, write_to_disk
from keras_pixelcnn.training import checkpoint_file
from keras_pixelcnn.training.checkpoint_file import DamagedCheckpointError, Record

_NAME = re.compile(r"([0-9]{6,})-step-([0-9]+)\.safetensors")
_PART = ".checkpoint.part"
"""The folder of the file that is being written: one, as writers take turns by a lock.

A folder, for safetensors writes under a name of its own choice, and leaves that behind
when it is killed.
"""

_LOCK = ".lock"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Checkpoint(NamedTuple):
    """The state of a training run at one step.

    Attributes:
        step: the training step.
        arrays: by name, as they were saved; nobody else holds them.
        facts: as JSON gives them back, so tuples have become lists.
        path: the file they were read from.
    """

    step: int
    arrays: dict[str, np.ndarray]
    facts: dict[str, Any]
    path: pathlib.Path


class _Entry(NamedTuple):
    """A checkpoint by its file's name. The larger number was saved later."""

    number: int
    step: int
    path: pathlib.Path


class CheckpointStore:
    """Saves checkpoints so that one killed at any moment loses none that was saved.

    Each checkpoint is one file, `<number>-step-<step>.safetensors`, with SHA-256
    checksums over every byte. It is written under a hidden name, flushed to the disk
    and renamed, and only then older ones are removed. So the disk needs room for one
    more than are kept: `keep`, and the best if it is older than those.

    "Last" means saved last, whatever the steps are: a run that goes back to an earlier
    step goes on from there when it is started again.

    Several stores, threads and processes may use one folder: saves take turns, by a
    lock that is let go when its holder is killed, and readers never wait. But a
    checkpoint does not tell which of two runs it is from.

    Args:
        folder: where the checkpoints are; made at the first save.
        keep: how many to keep, besides the best. At least 1.
        log: called with a sentence for each checkpoint that is damaged, and for each
            old one that cannot be removed. Default: `warnings.warn`.

    Raises:
        ValueError: when `keep` is less than 1.

    Example:
        >>> store = CheckpointStore("runs/digits/checkpoints")
        >>> store.save(100, {"weights/0": weights}, {"epoch": 2}, best=True)
        >>> store.latest().step
        100
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        keep: int = 3,
        log: Callable[[str], object] = warnings.warn,
    ) -> None:
        if keep < 1:
            raise ValueError(f"keep must be at least 1. Received: keep={keep}")
        self.folder = pathlib.Path(folder)
        self.keep = keep
        self._log = log

    def save(
        self,
        step: int,
        arrays: Mapping[str, np.ndarray],
        facts: Mapping[str, Any],
        best: bool = False,
    ) -> pathlib.Path:
        """Saves a checkpoint, and removes those that are not to be kept.

        One of the same step is replaced, unless it is the best and the new one is not:
        then both are kept. If anything goes wrong, what was saved before stays.

        Not to be called by a signal's handler, which may have interrupted a save and
        would wait for it: let the handler set a flag.

        Args:
            step: the training step, at least 0.
            arrays: by any names; of any shape; booleans, integers, or floats of 16 to
                64 bits, bfloat16 included.
            facts: whatever else belongs to the state, as JSON can hold it. Numbers that
                are not finite are allowed.
            best: whether this one is the best so far. It is kept until the next best
                one is on the disk.

        Returns:
            The file.

        Raises:
            ValueError: when an argument is not as said above.
            OSError: when the disk is full; it names the bytes needed and free.
        """
        step = _check_step(step)
        arrays = checkpoint_file.to_arrays(arrays)
        self.folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(self.folder / _LOCK):
            part = self.folder / _PART
            remove(part)  # of a save that was killed
            number = max((entry.number for entry in self._entries()), default=0) + 1
            record = Record(number, step, bool(best), dict(facts))
            path = self.folder / f"{number:06}-step-{step}.safetensors"
            needed = sum(array.nbytes for array in arrays.values())
            with self._disk_full_explained(needed):
                try:
                    part.mkdir()
                    checkpoint_file.write(part / path.name, record, arrays)
                    os.replace(part / path.name, path)
                finally:
                    remove(part)
            for folder in (self.folder, self.folder.parent):
                write_to_disk(folder, is_deep=False)
            self._remove_old()
        return path

    def latest(self) -> Checkpoint | None:
        """Reads the checkpoint that was saved last.

        A damaged one is named through `log`, with what is wrong, and the one before is
        taken.

        Returns:
            The checkpoint, or None when there is none that is whole.
        """
        return self._newest_whole(lambda record: True)

    def best(self) -> Checkpoint | None:
        """Reads the checkpoint that was last saved as the best.

        A damaged one is named through `log`, and the best before it is taken if it is
        still kept.

        Returns:
            The checkpoint, or None when there is none that is whole.
        """
        return self._newest_whole(lambda record: record.best)

    def check_empty(self) -> None:
        """Checks that there is no checkpoint, whole or damaged.

        Raises:
            ValueError: when there is one.
        """
        entries = self._entries()
        if entries:
            raise ValueError(
                f"{self.folder} must hold a checkpoint that is whole, or none. Bring "
                "one back from a copy, or remove the run's folder to start anew. "
                f"Received: {len(entries)}, all damaged"
            )

    def _newest_whole(self, wanted: Callable[[Record], bool]) -> Checkpoint | None:
        tried = set()
        # Listed each time anew: another process may save, and remove old ones.
        while left := [entry for entry in self._entries() if entry not in tried]:
            tried.add(left[0])
            try:
                record = _read_record(left[0])
                if wanted(record):
                    arrays = checkpoint_file.read_arrays(left[0].path)
                    return Checkpoint(record.step, arrays, record.facts, left[0].path)
            except (DamagedCheckpointError, OSError) as error:
                if os.path.lexists(left[0].path):
                    self._log(f"{left[0].path} is not used: {_reason(error)}.")
        return None

    def _entries(self) -> list[_Entry]:
        """Returns all checkpoints, whole or damaged, the newest first."""
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return []
        matches = [match for name in names if (match := _NAME.fullmatch(name))]
        entries = [
            _Entry(int(match[1]), int(match[2]), self.folder / match[0])
            for match in matches
        ]
        return sorted(entries, reverse=True)

    def _remove_old(self) -> None:
        entries = self._entries()
        last = {}
        for entry in entries:
            last.setdefault(entry.step, entry)
        kept = {*list(last.values())[: self.keep], *_best_entries(entries)}
        for entry in entries:
            if entry not in kept:
                try:
                    entry.path.unlink(missing_ok=True)
                except OSError as error:
                    self._log(f"{entry.path} could not be removed: {error.strerror}.")

    @contextlib.contextmanager
    def _disk_full_explained(self, needed: int) -> Iterator[None]:
        try:
            # Before gigabytes are written, and the disk is full for others, too.
            if shutil.disk_usage(self.folder).free < needed:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            yield
        except OSError as error:
            if error.errno not in _FULL:
                raise
            free = shutil.disk_usage(self.folder).free
            raise OSError(
                error.errno,
                f"{self.folder} must have room for one more checkpoint, of at least "
                f"{needed} bytes. There are {free} bytes free ({error.strerror}). "
                "Those saved before are kept: make room, and start again from the last",
            ) from error


def _check_step(step: int) -> int:
    try:
        number = operator.index(step)
    except TypeError:
        number = -1
    if number < 0:
        raise ValueError(f"step must be an integer of at least 0. Received: {step!r}")
    return number


def _read_record(entry: _Entry) -> Record:
    record = checkpoint_file.read_record(entry.path)
    if (record.number, record.step) != (entry.number, entry.step):
        raise DamagedCheckpointError(
            f"its name is not that of what it holds, number {record.number} of step "
            f"{record.step}"
        )
    return record


def _best_entries(entries: list[_Entry]) -> list[_Entry]:
    """Returns the newest best one, and any after it that cannot be read just now."""
    found = []
    for entry in entries:
        try:
            if _read_record(entry).best:
                return [*found, entry]
        except DamagedCheckpointError:
            continue
        except OSError:
            found.append(entry)
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "it is missing"
    if isinstance(error, OSError):
        return f"it is not readable ({error.strerror})"
    return str(error)
