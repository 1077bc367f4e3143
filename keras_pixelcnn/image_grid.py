"""Grids of images as one picture."""

import math
import os
from typing import Any

import numpy as np

from keras_pixelcnn import files
from keras_pixelcnn.checks import check_images, check_integer
from keras_pixelcnn.pixel_values import to_pixels

# Light grey, so that both black and white images stand out from it.
_BACKGROUND = 224

_MOST_COLUMNS = 16
"""Of images of one kind."""

_MID_GREY = 128


def image_grid(
    images: Any,
    num_levels: int = 256,
    columns: int | None = None,
    margin: int = 1,
    min_side: int = 32,
) -> np.ndarray:
    """Tiles a batch of images into one picture, row by row.

    Levels are stretched to 0..255, and small images enlarged by a whole number
    without smoothing. Images of 1 or 3 channels are shown as grey or colour; of any
    other number, as their channels side by side in grey.

    Args:
        images: integers in `[0, num_levels)` of shape
            `(batch, height, width, channels)`.
        num_levels: how many values a pixel can take. Defaults to `256`.
        columns: how many images stand in a row. Defaults to `None`: as many as make
            the picture nearly square.
        margin: how many pixels of light grey lie between the images. Defaults to `1`.
        min_side: images are enlarged until their longer side has at least so many
            pixels. Defaults to `32`; `1` enlarges none.

    Returns:
        The picture: `uint8` of shape `(height, width, 3)` for 3 channels, otherwise
        `(height, width, 1)`. Light grey fills what is left of the last row.

    Raises:
        ValueError: if the images are not as above or there are none, or if
            `columns`, `margin` or `min_side` is no integer or too small.

    Example:
        >>> image_grid(np.zeros((16, 8, 8, 1), np.uint8), num_levels=17).shape
        (131, 131, 1)
    """
    images = check_images(images, num_levels, "images")
    if not len(images):
        raise ValueError("`images` must hold at least one image. Received none.")
    check_integer("columns", 1 if columns is None else columns)
    check_integer("margin", margin, 0)
    check_integer("min_side", min_side)
    tiles = _shown_channels(to_pixels(images, num_levels))
    scale = math.ceil(min_side / max(tiles.shape[1:3]))
    tiles = tiles.repeat(scale, axis=1).repeat(scale, axis=2)
    batch, height, width, _ = tiles.shape
    near_square = min(batch, math.ceil(math.sqrt(batch * height / width)))
    return _tile(tiles, columns or near_square, margin)


def columns_of(count: int) -> int:
    """Returns in how many columns so many images of one kind stand.

    Args:
        count: of the images.

    Returns:
        `count`, or of more than 16 images the largest divisor up to that, so that
        each kind begins a row; `count` where that would be less than 4.
    """
    if count <= _MOST_COLUMNS:
        return count
    divisors = [n for n in range(1, _MOST_COLUMNS + 1) if count % n == 0]
    best = max(divisors)
    return best if best >= 4 else count


def save_image_grid(
    path: str | os.PathLike[str],
    images: Any,
    num_levels: int = 256,
    columns: int | None = None,
    margin: int = 1,
    min_side: int = 32,
) -> None:
    """Writes the picture of `image_grid` as a PNG file, whole or not at all.

    Args:
        path: the file, which should end in `.png`. Missing folders are made, and an
            older file is replaced.
        images: as in `image_grid`, and so are the other arguments.
        num_levels: how many values a pixel can take. Defaults to `256`.
        columns: how many images stand in a row. Defaults to `None`: nearly square.
        margin: the pixels between the images. Defaults to `1`.
        min_side: the least longer side of an image. Defaults to `32`.

    Raises:
        ValueError: as `image_grid` does; nothing is written then.

    Example:
        >>> save_image_grid("samples.png", model.sample(16), num_levels=17)
    """
    from PIL import Image

    grid = image_grid(images, num_levels, columns, margin, min_side)
    picture = Image.fromarray(grid[..., 0] if grid.shape[-1] == 1 else grid)
    with files.replace_when_written(path) as part:
        picture.save(part, format="PNG", optimize=True)


def save_sample_grid(
    path: str | os.PathLike[str],
    samples: np.ndarray,
    num_levels: int,
    num_each: int | None = None,
    known: tuple[np.ndarray, np.ndarray] | None = None,
) -> None:
    """Writes samples as one PNG file, whole or not at all.

    Images of one kind, as of one label or caption, stand in a row, or in several.

    Args:
        path: as in `save_image_grid`.
        samples: as the images of `image_grid`.
        num_levels: how many values a pixel can take.
        num_each: how many images of one kind stand together. Defaults to `None`: all
            are of one kind, and the picture is nearly square if nothing was known.
        known: the image that they complete, of shape `(height, width, channels)`, and
            its mask, as `known_pixels` takes it: each row begins with what was known.
            Defaults to `None`.

    Raises:
        ValueError: as `image_grid` does; nothing is written then.
    """
    samples = check_images(samples, num_levels, "samples")
    columns = columns_of(num_each or len(samples))
    # As pictures and not as levels: few levels have none that is mid grey.
    tiles = to_pixels(samples, num_levels)
    if known is not None:
        first = known_pixels(*known, num_levels)
        tiles = np.insert(tiles, range(0, len(tiles), columns), first, axis=0)
        columns += 1
    elif num_each is None:
        columns = None
    save_image_grid(path, tiles, columns=columns)


def known_pixels(images: np.ndarray, mask: np.ndarray, num_levels: int) -> np.ndarray:
    """Returns images as pictures, with mid grey where they are not known.

    Args:
        images: integers in `[0, num_levels)` of shape `(..., height, width, channels)`.
        mask: bool of shape `(height, width)`, True where pixels are known.
        num_levels: how many values a pixel can take.

    Returns:
        `uint8` of the images' shape.
    """
    pixels = to_pixels(images, num_levels)
    return np.where(mask[..., np.newaxis], pixels, np.uint8(_MID_GREY))


def _shown_channels(images: np.ndarray) -> np.ndarray:
    """Lays channels that are no colours side by side."""
    batch, height, width, channels = images.shape
    if channels in (1, 3):
        return images
    return images.swapaxes(2, 3).reshape(batch, height, channels * width, 1)


def _tile(tiles: np.ndarray, columns: int, margin: int) -> np.ndarray:
    batch, height, width, channels = tiles.shape
    rows = math.ceil(batch / columns)
    # Every cell has its margin below and to the right; the outermost are cut off.
    shape = (rows * columns, height + margin, width + margin, channels)
    cells = np.full(shape, _BACKGROUND, np.uint8)
    cells[:batch, :height, :width] = tiles
    cells = cells.reshape(rows, columns, *shape[1:]).swapaxes(1, 2)
    grid = cells.reshape(rows * shape[1], columns * shape[2], channels)
    return grid[: grid.shape[0] - margin, : grid.shape[1] - margin]
