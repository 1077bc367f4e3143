"""Rendering of the letters of a font as images of one size."""

import pathlib
import typing

import numpy as np

if typing.TYPE_CHECKING:
    from PIL import ImageFont

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
"""What a font must have, and the order of a font's images."""

_MEASURED_AT = 64
_MARGIN = 1
_MISSING = "\U0010ffff"
"""No character, and never one: drawn as what a font has in place of others."""

_LEAST_DISTINCT = 0.5
"""Share of the letters that must differ; of fonts with one case alone about half do."""


class UnusableFontError(ValueError):
    """Raised for an undamaged font that lacks the letters wanted."""


def read_name(path: pathlib.Path) -> tuple[str, str]:
    """Reads the family and the full name of a font.

    Args:
        path: of a .ttf or .otf file.

    Raises:
        OSError: if the file is damaged.
        UnusableFontError: if the font has no outlines.
    """
    family, style = _open(path, _MEASURED_AT).getname()
    family = family or path.stem
    return family, f"{family} {style or ''}".strip()


def render_letters(path: pathlib.Path, size: tuple[int, int]) -> np.ndarray:
    """Draws all `LETTERS` of a font, white on black.

    One scale and one baseline for the whole font, so that the tallest and the widest
    letters just fit: how large small letters are, and how deep others reach, is kept.

    Args:
        path: of a .ttf or .otf file.
        size: height and width of a picture.

    Returns:
        Values in [0, 256), uint8, (letters, height, width).

    Raises:
        OSError: if the file is damaged.
        UnusableFontError: if the font lacks letters, or draws them blank, or alike.
    """
    from PIL import Image, ImageDraw

    font = _open(path, _MEASURED_AT)
    _check_letters(font)
    boxes = np.array([_ink_box(font, letter) for letter in LETTERS])
    scale, baseline = _fit(boxes, size)
    font = _open(path, _MEASURED_AT * scale)
    pictures = []
    for letter in LETTERS:
        box = _ink_box(font, letter)
        if box is None:
            raise UnusableFontError(f"letters vanish at {size[0]}x{size[1]} pixels")
        start = round((size[1] - box[0] - box[2]) / 2)
        picture = Image.new("L", size[::-1])
        ImageDraw.Draw(picture).text((start, baseline), letter, 255, font, anchor="ls")
        pictures.append(np.asarray(picture))
    return np.stack(pictures)


def _open(path: pathlib.Path, size: float) -> "ImageFont.FreeTypeFont":
    from PIL import ImageFont

    try:
        # The other engine may be missing, and would join letters.
        return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        if "pixel size" in str(error):  # bitmaps alone, as of coloured emoji
            raise UnusableFontError("no outlines") from error
        raise


def _check_letters(font: "ImageFont.FreeTypeFont") -> None:
    missing = _picture(font, _MISSING)
    pictures = [_picture(font, letter) for letter in LETTERS]
    lacking = "".join(
        letter
        for letter, picture in zip(LETTERS, pictures, strict=True)
        if picture == missing or not any(picture[1])
    )
    if lacking:
        raise UnusableFontError(f"no {lacking if len(lacking) < 8 else 'letters'}")
    if len(set(pictures)) < _LEAST_DISTINCT * len(LETTERS):
        raise UnusableFontError("letters that look alike")


def _picture(
    font: "ImageFont.FreeTypeFont", letter: str
) -> tuple[tuple[int, int], bytes]:
    mask, offset = font.getmask2(letter, mode="L", anchor="ls")
    return (*mask.size, *offset), bytes(mask)


def _ink_box(
    font: "ImageFont.FreeTypeFont", letter: str
) -> tuple[int, int, int, int] | None:
    """Returns left, top, right, bottom of the ink, from the start of the baseline.

    None where nothing is. Pillow's own boxes include the room to the next letter.
    """
    mask, (left, top) = font.getmask2(letter, mode="L", anchor="ls")
    ink = mask.getbbox()
    if ink is None:
        return None
    return left + ink[0], top + ink[1], left + ink[2], top + ink[3]


def _fit(boxes: np.ndarray, size: tuple[int, int]) -> tuple[float, int]:
    """Returns the scale at which all boxes fit, and the row of the baseline."""
    height, width = (max(length - 2 * _MARGIN, 1) for length in size)
    top, bottom = boxes[:, 1].min(), boxes[:, 3].max()
    scale = min(height / (bottom - top), width / (boxes[:, 2] - boxes[:, 0]).max())
    # Never 0, which is no size.
    scale = max(scale, 1 / _MEASURED_AT)
    return scale, round((size[0] - scale * (top + bottom)) / 2)
