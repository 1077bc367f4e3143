"""Files that appear whole or not at all, and reading of JSON and .npy files."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np

_PART = re.compile(r"\.[0-9a-f]{32}\.part(\.[^.]*)?")


@contextlib.contextmanager
def replace_when_written(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """Gives a path to write to, beside `path`, and renames it when all went well.

    The name given is hidden and keeps the suffix of `path`. If the block raises,
    whatever it wrote is removed and `path` stays as it was. What was written is on the
    disk before it gets its name, and the name is when the block ends, so that a power
    cut leaves the old or the new. Works for a file, which replaces an older one, and
    for a directory, whose target must not exist.

    Args:
        path: where the file or directory shall appear. Missing parents are made.

    Yields:
        The path to write to, on the same file system.

    Example:
        >>> with replace_when_written("runs/metrics.json") as part:
        ...     part.write_text("{}")
    """
    target = pathlib.Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{uuid.uuid4().hex}.part{target.suffix}")
    try:
        yield part
        write_to_disk(part)
        os.replace(part, target)
        write_to_disk(target.parent, is_deep=False)
    finally:
        remove(part)


def write_to_disk(path: pathlib.Path, is_deep: bool = True) -> None:
    """Waits until a file, or a directory with all that is in it, is on the disk.

    Args:
        path: the file or directory.
        is_deep: whether what is in a directory is waited for, too. Default True.
    """
    if is_deep and path.is_dir():
        for child in path.iterdir():
            write_to_disk(child)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_parts(folder: str | os.PathLike[str]) -> None:
    """Removes what writers that were killed have left in a folder and below.

    Only for a folder whose other writers are known to be gone. Parts of HTML pages
    stay: a page is made of a run while the run goes on.

    Args:
        folder: the folder, which may not exist.
    """
    for path in sorted(pathlib.Path(folder).rglob(".*.part*")):
        if _PART.fullmatch(path.name) and path.suffix != ".html":
            remove(path)


def remove(path: pathlib.Path) -> None:
    """Removes a file, or a directory with all that is in it, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def read_json(path: pathlib.Path) -> Any:
    """Reads a JSON file.

    Raises:
        FileNotFoundError: when there is none.
        ValueError: when the file holds something else.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} must hold JSON, and is damaged: {error}") from error


def read_array(name: str, path: str | os.PathLike[str]) -> np.ndarray:
    """Reads a .npy file of one array of numbers.

    Args:
        name: what errors call the array.
        path: the file.

    Raises:
        OSError: when the file is not there.
        ValueError: when it holds anything else.
    """
    try:
        values = np.load(path, allow_pickle=False)
    except (ValueError, EOFError):
        values = None
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
        raise ValueError(
            f"{name} must be a .npy file of one array of numbers, as numpy.save "
            f"writes it. Received: {path}"
        )
    return values
