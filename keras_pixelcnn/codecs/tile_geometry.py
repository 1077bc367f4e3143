"""Cutting of images of any size into tiles of a model's size, and joining.

Tiles that reach over an image's edges repeat its last column and row. What is repeated
is not coded: whoever decodes knows the image's size.
"""

from collections.abc import Iterator, Sequence

import numpy as np


def num_tiles(size: Sequence[int], tile_size: Sequence[int]) -> int:
    """Counts the tiles of an image.

    Args:
        size: (height, width) of the image.
        tile_size: (height, width) of a tile.
    """
    height, width = tile_size
    return -(-size[0] // height) * -(-size[1] // width)


def inner_sizes(
    size: Sequence[int], tile_size: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """Yields how much of each tile lies inside of the image, in `cut` order.

    Yields:
        (height, width), of one tile after the other.
    """
    (height, width), (tile_height, tile_width) = size, tile_size
    for top in range(0, height, tile_height):
        for left in range(0, width, tile_width):
            yield min(tile_height, height - top), min(tile_width, width - left)


def cut(image: np.ndarray, tile_size: Sequence[int]) -> np.ndarray:
    """Cuts an image into tiles, in rows from the top.

    Args:
        image: (height, width, channels).
        tile_size: (height, width) of a tile.

    Returns:
        (tiles, tile height, tile width, channels).
    """
    (height, width), channels = tile_size, image.shape[-1]
    rows, columns = (
        -(-side // tile) for side, tile in zip(image.shape, tile_size, strict=False)
    )
    missing = (rows * height - image.shape[0], columns * width - image.shape[1])
    padded = np.pad(image, [(0, missing[0]), (0, missing[1]), (0, 0)], mode="edge")
    grid = padded.reshape(rows, height, columns, width, channels)
    return grid.swapaxes(1, 2).reshape(-1, height, width, channels)


def join(tiles: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Joins tiles, in the order of `cut`, to an image.

    Args:
        tiles: (tiles, tile height, tile width, channels).
        size: (height, width) of the image.
    """
    _, height, width, channels = tiles.shape
    rows, columns = -(-size[0] // height), -(-size[1] // width)
    grid = tiles.reshape(rows, columns, height, width, channels)
    whole = grid.swapaxes(1, 2).reshape(rows * height, columns * width, channels)
    return whole[: size[0], : size[1]]


def repeat_edges(tiles: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Fills what lies beyond the inner part of each tile as `cut` does.

    Args:
        tiles: (tiles, height, width, channels).
        inner: int (tiles, 2), as `inner_sizes` gives them.
    """
    count, height, width, _ = tiles.shape
    last_rows, last_columns = inner[:, :1] - 1, inner[:, 1:] - 1
    rows = np.minimum(np.arange(height), last_rows)[:, :, np.newaxis]
    columns = np.minimum(np.arange(width), last_columns)[:, np.newaxis]
    return tiles[np.arange(count)[:, np.newaxis, np.newaxis], rows, columns]
