"""Image files, read without loss and written under their names.

Names come from streams, which anybody can make: none may lead out of a folder.
"""

import os
import pathlib
import typing
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_pixelcnn.datasets.image_file import (
    SUFFIXES,
    has_more_samples,
    open_image,
    read_image,
    stored_bits,
)
from keras_pixelcnn.files import replace_when_written

if typing.TYPE_CHECKING:
    from PIL import Image

_EXACT_MODES = ("1", "L", "P", "RGB")
"""Pillow's names of pixels that 8 bits in 1 or 3 channels hold."""

_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]
    + [f"{port}{number}" for port in ("COM", "LPT") for number in "0123456789¹²³"]
)
"""What Windows takes for a device, with any suffix."""

_MOST_NAME_BYTES = 200
"""Of each part of a name; file systems take 255."""


class PictureFile(NamedTuple):
    """An image file, and its name in a stream."""

    path: pathlib.Path
    name: str


def find(arguments: Sequence[str]) -> list[PictureFile]:
    """Finds the image files that arguments name or contain.

    Args:
        arguments: paths. Of a folder all pictures at any depth are taken, in
            alphabetical order, but hidden ones; their names begin with the folder's.

    Raises:
        FileNotFoundError: when something is not there, or a folder has no picture.
        ValueError: when `write` could not give files of these names.
    """
    found = []
    for argument in arguments:
        path = pathlib.Path(argument)
        if not path.exists():
            raise FileNotFoundError(f"There is no file or folder {argument}.")
        found += _in_folder(path) if path.is_dir() else [PictureFile(path, path.name)]
    written_paths([file.name for file in found])
    return found


def _in_folder(folder: pathlib.Path) -> list[PictureFile]:
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not path.is_dir()
    )
    own = folder.resolve().name or "root"
    inside = [path.relative_to(folder) for path in paths]
    found = [
        PictureFile(folder / path, f"{own}/{path.as_posix()}")
        for path in inside
        if not any(part.startswith(".") for part in path.parts)
    ]
    if not found:
        raise FileNotFoundError(
            f"There is no picture in {folder}: no file that ends in one of "
            f"{' '.join(SUFFIXES)}."
        )
    return found


def read(path: pathlib.Path, color_mode: str | None = None) -> np.ndarray:
    """Reads the pixels of an image file, all of them as they are.

    Args:
        path: the file.
        color_mode: "grayscale" or "rgb" to convert first, which is not undone.
            Default: as stored.

    Returns:
        uint8 (height, width, 1 or 3), upright.

    Raises:
        ValueError: when the file is damaged, or holds more than that: more than 8 bits,
            transparency, several pictures.
    """
    try:
        with open_image(path) as image:
            more = _more_than_pixels(image)
        pixels = None if more else read_image(path, color_mode)
    except Exception as error:  # Pillow's decoders let many kinds out
        raise ValueError(
            f"{path} cannot be read: {error}. Repair it or leave it out."
        ) from error
    if more:
        raise ValueError(
            f"{path} must be a single picture of 8 bits, grey or RGB, or it would not "
            f"come back whole. Received: {more}. Convert or leave it out."
        )
    return pixels


def _more_than_pixels(image: "Image.Image") -> str | None:
    bits = stored_bits(image)  # Pillow opens many a deeper file as one of 8 bits
    if getattr(image, "n_frames", 1) > 1:
        return f"{image.n_frames} pictures"
    if image.has_transparency_data:
        return "transparency"
    if bits > 8:
        return f"{bits} bits for each value"
    if has_more_samples(image):
        return f"more values a pixel than {image.mode} has"
    return None if image.mode in _EXACT_MODES else f"pixels of mode {image.mode!r}"


def has_color_profile(path: pathlib.Path) -> bool:
    """Tells whether a readable image file has a colour profile, which is not kept."""
    with open_image(path) as image:
        return bool(image.info.get("icc_profile"))


def check_is_new(folder: str | os.PathLike[str]) -> None:
    """Raises FileExistsError when there is something of that name."""
    if os.path.lexists(folder):
        raise FileExistsError(f"{folder} is there already: choose another folder.")


def write(
    folder: str | os.PathLike[str], images: Sequence[np.ndarray], names: Sequence[str]
) -> None:
    """Writes images as PNG files into a new folder, which appears whole or not at all.

    Args:
        folder: which is not there yet.
        images: integers (height, width, 1 or 3) below 256, or (height, width, 1) below
            65,536.
        names: paths below the folder; those that do not end in ".png" get that too.

    Raises:
        FileExistsError: when the folder is there.
        ValueError: as `written_paths`, or when PNG has no such pixels.
    """
    check_is_new(folder)
    paths = written_paths(names)
    pictures = [_as_picture(image) for image in images]
    with replace_when_written(folder) as part:
        for picture, path in zip(pictures, paths, strict=True):
            (part / path).parent.mkdir(parents=True, exist_ok=True)
            picture.save(part / path, format="PNG")


def _as_picture(image: np.ndarray) -> "Image.Image":
    from PIL import Image

    channels, highest = image.shape[-1], image.max(initial=0)
    if channels in (1, 3) and highest < 256:
        pixels = image.astype(np.uint8)
        return Image.fromarray(pixels if channels == 3 else pixels[..., 0])
    if channels == 1 and highest < 65_536:
        return Image.fromarray(image[..., 0].astype(np.uint16))
    raise ValueError(
        "PNG files have 1 or 3 channels of 8 bits, or 1 of 16. Received: "
        f"{channels} channels of values up to {highest}. Choose an .npz file as output."
    )


def written_paths(names: Sequence[str]) -> list[pathlib.PurePosixPath]:
    """Returns the paths below a folder where `write` puts files.

    Args:
        names: of the files. Those that do not end in ".png" get that too.

    Raises:
        ValueError: when a name would lead elsewhere, two files would have the same
            path but for upper and lower case, or one that of another's folder.
    """
    paths = [check_name(name) for name in names]
    paths = [
        path if path.suffix.lower() == ".png" else path.with_name(f"{path.name}.png")
        for path in paths
    ]
    taken: dict[str, str] = {}
    for name, path in zip(names, paths, strict=True):
        if _key(path) in taken:
            raise _not_their_own(taken[_key(path)], name)
        taken[_key(path)] = name
    for name, path in zip(names, paths, strict=True):
        for folder in path.parents:
            if _key(folder) in taken:
                raise _not_their_own(taken[_key(folder)], name)
    return paths


def _key(path: pathlib.PurePosixPath) -> str:
    """Returns what is equal for paths that some file system takes for one."""
    return unicodedata.normalize("NFC", str(path).casefold())


def _not_their_own(name: str, other: str) -> ValueError:
    return ValueError(
        "Files must come back as PNG files under names of their own, whatever their "
        "case, none of them another's folder; those of folders begin with the "
        f"folder's. Received: {name!r} and {other!r}. Rename one, or leave it out."
    )


def check_name(name: str) -> pathlib.PurePosixPath:
    """Checks a name and returns it as a path below a folder.

    Raises:
        ValueError: when it is no such path on every system.
    """
    parts = name.split("/")
    is_safe = all(
        part not in ("", ".", "..")
        and len(part.encode("utf-8", "replace")) <= _MOST_NAME_BYTES
        and part.isprintable()
        and not set(part) & set('\\:*?"<>|')
        and not part.endswith((".", " "))
        and part.split(".")[0].rstrip().upper() not in _DEVICES
        for part in parts
    )
    if not is_safe:
        raise ValueError(
            "Names of files must be plain ones, below their folder: without empty "
            "parts, .., \\, :, *, ?, quotes, <, >, | or control characters, without a "
            "dot or space at the end of a part, and none that is a device on Windows, "
            f"such as CON.png. Received: {name!r}"
        )
    return pathlib.PurePosixPath(name)
