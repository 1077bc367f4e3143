"""PNG files of a run."""

import pathlib
import re
from typing import NamedTuple

_STEP = re.compile(r"step-(\d+)\.png")
_START, _END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB\x60\x82"


class Picture(NamedTuple):
    """A PNG file's bytes, and the training step it was drawn at, where known."""

    png: bytes
    step: int | None = None


def read_picture(path: pathlib.Path, notes: list[str]) -> Picture | None:
    """Reads a picture; one that is not there is None, one that is damaged noted too."""
    if not path.is_file():
        return None
    png = path.read_bytes()
    if png.startswith(_START) and png.endswith(_END):
        found = _STEP.fullmatch(path.name)
        return Picture(png, int(found[1]) if found else None)
    notes.append(f"{path.parent.name}/{path.name} is no whole PNG file: left out.")
    return None


def read_pictures(
    folder: pathlib.Path, most: int, notes: list[str]
) -> tuple[list[Picture], int]:
    """Reads the pictures "step-<step>.png" of a folder.

    Args:
        folder: which may not exist.
        most: how many pictures are read: where there are more, the first, the last and
            some between that lie about evenly apart.
        notes: gets a sentence for each picture that is damaged.

    Returns:
        The pictures by step, and how many there are in all.
    """
    paths = {
        int(found[1]): path
        for path in (folder.iterdir() if folder.is_dir() else [])
        if (found := _STEP.fullmatch(path.name))
    }
    chosen = spread(sorted(paths), most)
    read = [read_picture(paths[step], notes) for step in chosen]
    return [picture for picture in read if picture], len(paths)


def spread(items: list, most: int) -> list:
    """At most so many of the items, the first and the last among them."""
    if len(items) <= most:
        return items
    return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)]
