"""Batches of tiles out of a list of images, and the images out of the batches."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_pixelcnn.checks import check_images
from keras_pixelcnn.codecs import tile_geometry


class TilePlaces(NamedTuple):
    """The places of a batch's tiles in the images."""

    images: np.ndarray
    """int64 (tiles,): numbers of the images."""
    inner: np.ndarray
    """int32 (tiles, 2): see `tile_geometry.inner_sizes`."""


def check_rows(
    images: Any, num_levels: int, channels: int
) -> np.ndarray | Sequence[np.ndarray]:
    """Converts images to integers of a common type, an array or a list.

    Args:
        images: integers in [0, num_levels), an array (batch, height, width, channels)
            or a sequence of arrays (height, width, channels) of any sizes.
        num_levels: as above.
        channels: as above.

    Raises:
        ValueError: when they are not so.
    """
    if hasattr(images, "__array__"):
        array = check_images(images, num_levels)
        _check_channels(array.shape[-1], channels)
        return array
    if not isinstance(images, Sequence) or isinstance(images, str | bytes):
        raise ValueError(
            "images must be an array (batch, height, width, channels), or a sequence "
            f"of arrays (height, width, channels). Received: {type(images).__name__}"
        )
    checked = [
        check_images(np.asarray(image)[np.newaxis], num_levels, f"images[{i}]")[0]
        for i, image in enumerate(images)
    ]
    for image in checked:
        _check_channels(image.shape[-1], channels)
    dtype = np.result_type(*checked) if checked else np.dtype("uint8")
    if dtype.kind not in "iu":  # what int64 and uint64 together become
        dtype = np.dtype("int64")
    return [image.astype(dtype, copy=False) for image in checked]


def _check_channels(received: int, channels: int) -> None:
    if received != channels:
        raise ValueError(
            f"images must have the model's channels: {channels}. Received: {received}"
        )


def tile_places(
    sizes: Iterable[tuple[int, int]],
    tile_size: Sequence[int],
    batch_sizes: Iterable[int],
) -> Iterator[TilePlaces]:
    """Yields where the tiles of each batch lie.

    Args:
        sizes: (height, width) of the images.
        tile_size: (height, width) of a tile.
        batch_sizes: tiles of each batch.
    """
    places = (
        (image, inner)
        for image, size in enumerate(sizes)
        for inner in tile_geometry.inner_sizes(size, tile_size)
    )
    for batch_size in batch_sizes:
        images, inner = zip(*itertools.islice(places, batch_size), strict=True)
        yield TilePlaces(np.array(images), np.array(inner, np.int32))


def cut_batches(
    images: Iterable[np.ndarray], tile_size: Sequence[int], batch_sizes: Iterable[int]
) -> Iterator[np.ndarray]:
    """Cuts images into tiles and yields batches of them.

    Args:
        images: (height, width, channels), of any sizes.
        tile_size: (height, width) of a tile.
        batch_sizes: tiles of each batch.

    Yields:
        (tiles, tile height, tile width, channels).
    """
    each = itertools.chain.from_iterable(
        tile_geometry.cut(i, tile_size) for i in images
    )
    for batch_size in batch_sizes:
        yield np.stack(list(itertools.islice(each, batch_size)))


def join_batches(
    batches: Iterable[np.ndarray],
    sizes: Iterable[tuple[int, int]],
    dtype: np.dtype,
) -> Iterator[np.ndarray]:
    """Joins batches of tiles to images, each as soon as its tiles are there.

    Args:
        batches: (tiles, tile height, tile width, channels).
        sizes: (height, width) of the images.
        dtype: of the images.

    Yields:
        (height, width, channels).
    """
    each = itertools.chain.from_iterable(batches)
    first = next(each, None)
    if first is None:
        return
    each = itertools.chain([first], each)
    for size in sizes:
        count = tile_geometry.num_tiles(size, first.shape[:2])
        own = np.stack(list(itertools.islice(each, count)))
        yield tile_geometry.join(own, size).astype(dtype)
