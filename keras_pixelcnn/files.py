"""Files that appear whole or not at all, and reading of JSON files."""

import contextlib
import json
import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def replace_when_written(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """Gives a path to write to, beside `path`, and renames it when all went well.

    The name given is hidden and keeps the suffix of `path`. If the block raises,
    whatever it wrote is removed and `path` stays as it was. Works for a file, which
    replaces an older one, and for a directory, whose target must not exist.

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
        os.replace(part, target)
    finally:
        if part.is_dir():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)


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
