"""Version folders of a model, which a server watches.

A server loads any folder whose name is a number, whenever it appears. So a version is
written in a hidden folder beside, and appears by being renamed.
"""

import contextlib
import errno
import fcntl
import os
import pathlib
import re
import shutil
import uuid
from collections.abc import Iterator

from keras_pixelcnn.files import write_to_disk

_LOCK = ".publishing.lock"
"""Held for moments: while hidden folders are made or removed, or one is renamed."""

_HIDDEN = ".publishing-"
_IN_USE = "in_use.lock"
"""In a hidden folder; held by its publisher, and so by nobody once that was killed."""

_NUMBER = re.compile("[0-9]+")
_LARGEST = 2**63 - 1
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)


@contextlib.contextmanager
def hidden_folder(base: pathlib.Path) -> Iterator[pathlib.Path]:
    """Makes a folder inside `base` that servers ignore, and removes it afterwards.

    What publishers that were killed left behind is removed, too.

    Args:
        base: the folder of all versions; made if it is not there.

    Yields:
        The folder, on the same file system as the versions.

    Raises:
        ValueError: when `base` is itself a version, or an export.
        FileExistsError: when `base` is a file.
    """
    is_version = _NUMBER.fullmatch(base.resolve().name)
    if is_version or (base / "saved_model.pb").exists():
        raise ValueError(
            "base must be the folder of all versions, which get their numbers by "
            f"themselves, and not one of them. Received: {base}"
        )
    base.mkdir(parents=True, exist_ok=True)
    folder = base / f"{_HIDDEN}{uuid.uuid4().hex}"
    with contextlib.ExitStack() as held:
        with _locked(base / _LOCK):
            for leftover in base.glob(f"{_HIDDEN}*/"):
                if not _is_in_use(leftover):
                    shutil.rmtree(leftover)
            folder.mkdir()
            held.enter_context(_locked(folder / _IN_USE))
        try:
            yield folder
        finally:
            with _locked(base / _LOCK):
                shutil.rmtree(folder)


@contextlib.contextmanager
def _locked(path: pathlib.Path) -> Iterator[None]:
    """Holds the lock of a file, which is created if it is missing.

    The lock goes with the process that holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_in_use(folder: pathlib.Path) -> bool:
    try:
        descriptor = os.open(folder / _IN_USE, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def appear(folder: pathlib.Path, base: pathlib.Path) -> pathlib.Path:
    """Renames a finished folder to the next version number.

    All that it holds is on the disk before it appears, and it stays there after.

    Args:
        folder: on the same file system as `base`.
        base: the folder of all versions.

    Returns:
        Where it is now.

    Raises:
        ValueError: when there is no next number that a server could read.
    """
    write_to_disk(folder)
    with _locked(base / _LOCK):
        while True:
            target = base / str(next_version(base))
            try:
                os.rename(folder, target)
                break
            except OSError as error:
                # Somebody took the number without asking for the lock.
                if error.errno not in _TAKEN:
                    raise
    write_to_disk(base, is_deep=False)
    write_to_disk(base.parent, is_deep=False)
    return target


def next_version(base: pathlib.Path) -> int:
    """Returns the next version number of a folder, at least 1.

    Raises:
        ValueError: when servers cannot read so large a number.
    """
    found = [int(path.name) for path in base.iterdir() if _NUMBER.fullmatch(path.name)]
    version = max(found, default=0) + 1
    if version > _LARGEST:
        raise ValueError(
            f"Version numbers must be at most {_LARGEST}, as servers read them. "
            f"Received: {base} with version {version - 1}. Remove it."
        )
    return version
