"""Images of the letters of fonts, with the font or the letter as label."""

import functools
import os
import pathlib
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from absl import logging

from keras_pixelcnn.datasets import splits
from keras_pixelcnn.datasets.errors import DamagedImageError, shorten
from keras_pixelcnn.datasets.glyph_rendering import (
    LETTERS,
    UnusableFontError,
    read_name,
    render_letters,
)
from keras_pixelcnn.datasets.image_format import ImageFormat

NUM_LEVELS = 256
DEFAULT_SIZE = (28, 28)
SUFFIXES = (".otf", ".ttf")
LABEL_FEATURES = ("font", "letter")


class Font(NamedTuple):
    """A font whose letters can be drawn.

    Attributes:
        name: family and style, as the font tells them.
        family: as it tells it.
        letters: uint8 (62, height, width), white on black: see `LETTERS`.
    """

    name: str
    family: str
    letters: np.ndarray

    @property
    def split(self) -> str:
        """Split by the family's first word: "train", "validation" or "test".

        Bold and narrow fonts call themselves families of their own, but begin with the
        same word.
        """
        return splits.by_name(self.family.lower().split()[0])


class _Fonts(NamedTuple):
    """The usable fonts of a folder, and why others are not used."""

    usable: tuple[Font, ...]
    left_out: dict[str, str]
    damaged: dict[str, str]


def read(
    folder: str | os.PathLike[str],
    split: str,
    image_format: ImageFormat,
    *,
    on_damaged: str = "skip",
    label_feature: str | None = None,
) -> tf.data.Dataset:
    """Draws the letters A to Z, a to z and 0 to 9 of the fonts of one split.

    A font counts for one split with its whole family: that of a hash of the first word
    of the family's name, so that no font moves when others are added. About 80, 10 and
    10 percent of these words are for training, validation and test.

    Fonts are left out, and named in the log, when they lack a letter, draw letters
    blank or alike, have bitmaps alone, or are the same as another font: by name or by
    all pictures.

    Args:
        folder: searched with all folders in it for .ttf and .otf files.
        split: "train", "validation", "test" or "all", which is all fonts.
        image_format: `image_size` None is (28, 28). Nothing is scaled: letters are
            drawn at that size.
        on_damaged: "skip" to leave damaged files out and log their names, "raise" to
            raise.
        label_feature: "letter", or "font", which None is, too.

    Returns:
        Single examples: {"image": (h, w, c), "label": int64}, the letters of a font one
        after another. Labels count the names of all usable fonts, sorted, or are the
        letters' places in `LETTERS`.

    Raises:
        FileNotFoundError: if there is no such folder, or no font in it.
        ValueError: if `split`, `label_feature` or the number of levels is wrong, or the
            split is empty.
        DamagedImageError: if a file is damaged and `on_damaged` is "raise", or no font
            is usable.
    """
    image_format.check_levels(NUM_LEVELS)
    splits.check(split)
    if label_feature not in (None, *LABEL_FEATURES):
        raise ValueError(
            f"`label_feature` of letters must be one of {LABEL_FEATURES} or None, "
            f"received {label_feature!r}."
        )
    fonts = load_fonts(folder, image_format.image_size or DEFAULT_SIZE, on_damaged)
    chosen = [
        (label, font)
        for label, font in enumerate(fonts)
        if split in ("all", font.split)
    ]
    if not chosen:
        raise ValueError(
            f"Split {split!r} is empty: none of the {len(fonts)} fonts in "
            f"{os.fspath(folder)!r} falls to it. Use split='all' or more fonts."
        )
    images = np.concatenate([font.letters for _, font in chosen])[..., np.newaxis]
    names, letters = [label for label, _ in chosen], np.arange(len(LETTERS))
    if label_feature == "letter":
        labels = np.tile(letters, len(names))
    else:
        labels = np.repeat(names, len(letters))
    return image_format.examples(images, labels.astype(np.int64), NUM_LEVELS)


def load_fonts(
    folder: str | os.PathLike[str],
    size: tuple[int, int] = DEFAULT_SIZE,
    on_damaged: str = "skip",
) -> tuple[Font, ...]:
    """Draws the letters of all usable fonts of a folder; see `read`.

    The fonts of the last folder and size are kept in memory.

    Args:
        folder: searched with all folders in it.
        size: height and width of a letter's picture.
        on_damaged: "skip" or "raise".

    Returns:
        The fonts, sorted by name. A font's label is its place.

    Raises:
        FileNotFoundError: as `read` does.
        DamagedImageError: as `read` does.
    """
    root = pathlib.Path(folder).expanduser()
    paths = _find_fonts(root)
    files = tuple((path, path.stat().st_size, path.stat().st_mtime) for path in paths)
    fonts = _render_all(root, files, tuple(size))
    _tell(root, fonts, len(paths), on_damaged)
    return fonts.usable


def _find_fonts(root: pathlib.Path) -> list[pathlib.Path]:
    if not root.is_dir():
        raise FileNotFoundError(
            f"There is no folder {str(root)!r}. Pass 'glyphs:PATH' where PATH holds "
            "fonts; Debian's are in /usr/share/fonts."
        )
    paths = sorted(
        path
        for path in root.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and not path.name.startswith(".")
        and path.is_file()
    )
    if not paths:
        raise FileNotFoundError(
            f"No font was found in {str(root)!r}. Looked for files that end in "
            f"{' or '.join(SUFFIXES)}."
        )
    return paths


@functools.lru_cache(maxsize=1)
def _render_all(
    root: pathlib.Path,
    files: tuple[tuple[pathlib.Path, int, float], ...],
    size: tuple[int, int],
) -> _Fonts:
    """Draws all fonts; files with their sizes and times tell whether any changed."""
    usable, left_out, damaged = [], {}, {}
    seen: dict[object, str] = {}
    named = []
    for path, *_ in files:
        try:
            family, name = read_name(path)
        except UnusableFontError as error:
            left_out[path.relative_to(root).as_posix()] = str(error)
        except OSError as error:
            damaged[path.relative_to(root).as_posix()] = str(error)
        else:
            named.append((name, path, family))
    for name, path, family in sorted(named):
        key = path.relative_to(root).as_posix()
        try:
            letters = render_letters(path, size)
        except UnusableFontError as error:
            left_out[key] = str(error)
            continue
        except OSError as error:
            damaged[key] = str(error)
            continue
        same = seen.get(name) or seen.get(letters.tobytes())
        if same:
            left_out[key] = f"the same as {same}"
            continue
        seen[name] = seen[letters.tobytes()] = key
        usable.append(Font(name, family, letters))
    return _Fonts(tuple(usable), left_out, damaged)


def _tell(root: pathlib.Path, fonts: _Fonts, count: int, on_damaged: str) -> None:
    """Logs the names of what is left out, or raises."""
    damaged = shorten(sorted(f"{key} ({why})" for key, why in fonts.damaged.items()))
    left_out = shorten(sorted(f"{key}: {why}" for key, why in fonts.left_out.items()))
    if fonts.damaged and on_damaged == "raise":
        raise DamagedImageError(
            f"Every font in {str(root)!r} must be readable, but these are not: "
            f"{damaged}. Repair or remove them; on_damaged='skip' leaves them out."
        )
    if not fonts.usable:
        told = "; ".join(filter(None, (left_out, damaged)))
        raise DamagedImageError(
            f"A font in {str(root)!r} must have the letters A to Z, a to z and 0 to 9, "
            f"but none has: {told}. Pass a folder of other fonts."
        )
    if fonts.damaged:
        logging.warning(
            "skipped %d of %d fonts that could not be read: %s",
            len(fonts.damaged),
            count,
            damaged,
        )
    if fonts.left_out:
        logging.warning(
            "left out %d of %d fonts: %s", len(fonts.left_out), count, left_out
        )
