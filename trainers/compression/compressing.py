"""Compression of image files or a dataset to a stream in a file."""

import contextlib
import itertools
import json
import pathlib
import sys
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tqdm
from absl import logging

import keras_pixelcnn as kp
from keras_pixelcnn import lossless_files
from keras_pixelcnn.codecs import PixelCNNCodec
from keras_pixelcnn.codecs.tile_geometry import cut, inner_sizes, num_tiles
from keras_pixelcnn.datasets.errors import shorten
from trainers.compression import picture_files

_MOST_REFUSED = 10
"""Files of which it is said why they do not fit."""

_OTHERS = (lossless_files.PNG, lossless_files.WEBP, lossless_files.JPEG_XL)


_AS_THEY_ARE = "the files as they are"

_TILES_TRIED = 64

_PASSES = 3.2
"""Scoring passes that coding a tile costs, of models with steps: 2.8 to 4."""

_GRAPHS = 3.0
"""How long making the codec's graph takes, in times of that of a scoring pass."""

_SECONDS_BETWEEN_LINES = 10.0

_MOST_VALUES_OF_HIGHEST_EFFORT = 2**20

_MOST_NOTE_BYTES = 2**20
"""What the notes of a stream may be when unpacked, beside names."""

_MOST_NAME_BYTES = 2**10
"""What a name may add to that."""

_MOST_BYTES_OF_NAMES = 2**23
"""What all names may add to that."""


class Source(NamedTuple):
    """Images to compress, with their conditions and notes on them.

    `stored_bytes` are those of the files that they come from, None where there are
    none.
    """

    images: np.ndarray | list[np.ndarray]
    conditions: dict[str, Any]
    notes: dict[str, Any]
    stored_bytes: int | None = None

    @property
    def num_values(self) -> int:
        """Number of pixel values of all images."""
        return sum(image.size for image in self.images)


def from_files(
    model: kp.AutoregressiveImageModel,
    arguments: Sequence[str],
    color_mode: str | None = None,
) -> Source:
    """Reads the images of files and folders, under their names.

    Args:
        model: which is to code them, without conditions.
        arguments: paths of files and folders.
        color_mode: as for `picture_files.read`.

    Raises:
        FileNotFoundError: when one is not there.
        ValueError: when the model needs conditions, or a file is not of its channels
            and levels or would lose something.
    """
    conditions = model.conditions
    if conditions.names and not conditions.optional:
        raise ValueError(
            f"The model needs the conditions {conditions.names}, which files do not "
            "have. Pass a dataset with labels, or a model without conditions."
        )
    files = picture_files.find(arguments)
    images, refused = [], []
    for path, _ in files:
        try:
            images.append(_read(model, path, color_mode))
        except ValueError as error:  # all are told at once
            refused.append(str(error))
    if len(refused) == 1:
        raise ValueError(refused[0])
    if refused:
        more = len(refused) - _MOST_REFUSED
        told = " ".join(refused[:_MOST_REFUSED])
        told += f" And {more} more." if more > 0 else ""
        raise ValueError(f"{len(refused)} of {len(files)} files do not fit. {told}")
    profiled = [f.name for f in files if picture_files.has_color_profile(f.path)]
    if profiled:
        logging.warning(
            "%d of %d files have colour profiles, which do not come back with their "
            "pixels: %s",
            len(profiled),
            len(files),
            shorten(profiled),
        )
    stored_bytes = sum(file.path.stat().st_size for file in files)
    return Source(images, {}, {"names": [file.name for file in files]}, stored_bytes)


def _read(
    model: kp.AutoregressiveImageModel, path: pathlib.Path, color_mode: str | None
) -> np.ndarray:
    """Reads a file, and checks its pixels; see `from_files`."""
    image, channels = picture_files.read(path, color_mode), model.image_shape[-1]
    if image.shape[-1] != channels:
        raise ValueError(
            f"The model is for images of {channels} channels, and {path} has "
            f"{image.shape[-1]}. Choose another model, leave it out, or convert by "
            "color_mode, which is not undone."
        )
    if image.max() >= model.num_levels:
        raise ValueError(
            f"The model is for pixels in [0, {model.num_levels}). Received: "
            f"{image.max()} in {path}. Choose another model."
        )
    return image


def from_examples(
    examples: tf.data.Dataset, names: Sequence[str], notes: dict[str, Any]
) -> Source:
    """Reads the images of a dataset, with the conditions of these names.

    Args:
        examples: single ones, in the model's form.
        names: of the conditions that the images are coded given.
        notes: what a stream shall say of them.
    """
    batches = list(examples.batch(1024).as_numpy_iterator())
    images, *conditions = (
        np.concatenate([batch[name] for batch in batches]) for name in ("image", *names)
    )
    return Source(images, dict(zip(names, conditions, strict=True)), notes)


class Estimate(NamedTuple):
    """The time and size that compressing is expected to take, by a few tiles."""

    num_bytes: float
    seconds: float


def estimate(model: kp.AutoregressiveImageModel, source: Source) -> Estimate:
    """Scores some tiles of the images, twice: how well, and how fast.

    Args:
        model: which is to code them.
        source: at least one image.
    """
    tile, chance = model.image_shape[:2], np.random.default_rng(0)
    numbers = chance.permutation(len(source.images))[:_TILES_TRIED]
    tiles, inside, owners = [], [], []
    for number in numbers:
        image = source.images[number]
        tiles += list(cut(image, tile))
        for height, width in inner_sizes(image.shape[:2], tile):
            mask = np.zeros(tile, bool)
            mask[:height, :width] = True
            inside.append(mask)
            owners.append(number)
    rows = chance.permutation(len(tiles))[:_TILES_TRIED]
    images, inside = np.stack(tiles)[rows], np.stack(inside)[rows]
    conditions = {
        name: np.asarray(value)[np.array(owners)[rows]]
        for name, value in source.conditions.items()
    }
    moments = [time.monotonic()]
    for _ in range(2):  # the first time the graph is made
        nats = model.log_prob(images, reduce=False, **conditions).numpy()
        moments.append(time.monotonic())
    first, seconds = np.diff(moments)
    preparing = _GRAPHS * max(first - seconds, 0.0)
    bits = -float(nats[inside].mean()) / np.log(2)
    passes = _PASSES if model.has_scan_steps else model.num_dims
    count = count_tiles(model, source)
    return Estimate(
        bits * source.num_values / 8,
        passes * count * seconds / len(images) + preparing,
    )


def count_tiles(model: kp.AutoregressiveImageModel, source: Source) -> int:
    """Counts the tiles of the model's size that all images are cut into."""
    tile = model.image_shape[:2]
    return sum(num_tiles(image.shape[:2], tile) for image in source.images)


def expected(model: kp.AutoregressiveImageModel, source: Source) -> str:
    """Tells what compressing is expected to take, and warns where it enlarges."""
    guess, count = estimate(model, source), count_tiles(model, source)
    told = (
        f"{len(source.images):,} images in {count:,} tiles: about "
        f"{guess.num_bytes:,.0f} bytes, in about {_duration(guess.seconds)}."
    )
    if source.stored_bytes is not None and guess.num_bytes > source.stored_bytes:
        told += (
            f"\nThat is more than the files are now, {source.stored_bytes:,} bytes: "
            "the model does not know such pictures well enough to make them smaller."
        )
    return told


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"


class CodingProgress:
    """Shows the progress of a codec: a bar, or, without a terminal, a line at times.

    Args:
        num_tiles: of all images.
        tile_values: pixel values of a tile.
    """

    def __init__(self, num_tiles: int, tile_values: int) -> None:
        self._bar = tqdm.tqdm(total=num_tiles, disable=None, leave=False)
        self._tile_values = tile_values
        self._bytes = 0
        self._began = self._told = time.monotonic()

    def __call__(self, done: int, num_bytes: int) -> None:
        """Shows the progress after a batch."""
        self._bytes += num_bytes
        bits = 8 * self._bytes / (done * self._tile_values)
        if not self._bar.disable:
            self._bar.set_postfix_str(f"{bits:.3f} bits/dim", refresh=False)
            self._bar.update(done - self._bar.n)
            return
        now, total = time.monotonic(), self._bar.total
        if now - self._told >= _SECONDS_BETWEEN_LINES:
            self._told = now
            left = _duration((now - self._began) * (total - done) / done)
            print(
                f"{done:,} of {total:,} tiles, {bits:.3f} bits/dim, about {left} left",
                file=sys.stderr,
                flush=True,
            )

    def close(self) -> None:
        """Takes the bar away."""
        self._bar.close()


def compress(
    model: kp.AutoregressiveImageModel, source: Source, batch_size: int
) -> bytes:
    """Compresses images and notes to a stream.

    Raises:
        ValueError: as `PixelCNNCodec.compress`.
    """
    codec, count = PixelCNNCodec(model, batch_size), count_tiles(model, source)
    with contextlib.closing(CodingProgress(count, model.num_dims)) as progress:
        return codec.compress(
            source.images,
            metadata=pack(source.notes),
            on_batch=progress,
            **source.conditions,
        )


def pack(notes: Mapping[str, Any]) -> bytes:
    """Packs notes into bytes that travel with images.

    Raises:
        ValueError: when they are more than `most_note_bytes`.
    """
    text = json.dumps(notes, separators=(",", ":")).encode()
    names = notes.get("names") or ()
    if len(text) > most_note_bytes(len(names)):
        raise ValueError(
            f"Names must take at most {most_note_bytes(len(names)):,} bytes together. "
            f"Received: {len(names)} names of {len(text):,} bytes; leave some out."
        )
    return zlib.compress(text, 9)


def most_note_bytes(num_images: int) -> int:
    """Returns how large the notes of so many images may be, unpacked."""
    names = min(num_images * _MOST_NAME_BYTES, _MOST_BYTES_OF_NAMES)
    return _MOST_NOTE_BYTES + names


def sizes_of_others(
    source: Source, num_levels: int
) -> Iterator[tuple[str, int | None, str | None]]:
    """Measures the same images as files of general-purpose codecs.

    Of many values by each codec's usual effort alone: the highest takes some ten times
    as long for a hundredth of the bytes, in either direction.

    Yields:
        A codec's name, and the bytes of its smallest files together, or why there are
        none.
    """
    if source.stored_bytes is not None:
        yield _AS_THEY_ARE, source.stored_bytes, None
    channels = source.images[0].shape[-1]
    most_ways = None if source.num_values <= _MOST_VALUES_OF_HIGHEST_EFFORT else 1
    with ThreadPoolExecutor() as threads:  # Pillow's encoders run side by side
        for codec in _OTHERS:
            reason = codec.reason_against(channels, num_levels)
            size = None
            if reason is None:

                def smallest(image: np.ndarray, codec: Any = codec) -> int:
                    ways = codec.files(image.astype(np.uint8), num_levels)
                    return min(map(len, itertools.islice(ways, most_ways)))

                size = sum(threads.map(smallest, source.images))
            yield codec.name, size, reason


def size_table(
    sizes: Sequence[tuple[str, int | None, str | None]], num_values: int
) -> str:
    """Formats sizes, a line for each codec, in bytes and bits per dimension.

    Args:
        sizes: names, and bytes, or why there are none.
        num_values: pixel values of all images.
    """
    width = max(len(name) for name, _, _ in sizes)
    lines = [
        f"{name:{width}}  left out: {reason}"
        if size is None
        else f"{name:{width}}  {size:>13,} bytes  {8 * size / num_values:7.4f} bits/dim"
        for name, size, reason in sizes
    ]
    (_, own, _), *others = sizes
    better = [name for name, size, _ in others if size is not None and size < own]
    if better:
        lines.append(
            f"Smaller without the model: {', '.join(better)}. It has seen too few "
            "pictures like these, or at another scale, or was trained too short; a "
            "model of squares out of these very pictures: python -m trainers.train "
            "--config=folder --config.dataset=patches:PATH"
        )
    if _AS_THEY_ARE in better:
        lines.append(
            "JPEG files, if some are among these, are small as they lost detail."
        )
    return "\n".join(lines)
