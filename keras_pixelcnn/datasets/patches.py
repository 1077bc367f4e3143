"""Patches cut out of photographs at full resolution."""

import os
import pathlib

import numpy as np
import tensorflow as tf
from absl import logging

from keras_pixelcnn.datasets import folder, splits
from keras_pixelcnn.datasets.errors import DamagedImageError, shorten
from keras_pixelcnn.datasets.image_file import NUM_LEVELS, read_image
from keras_pixelcnn.datasets.image_format import ImageFormat

SAMPLE_PHOTOS = "sample_photos"
DEFAULT_PATCH_SIZE = (32, 32)

_LEAST_PHOTOS = 10
# Where the bands of a photo begin and end, in tenths of its width.
_BANDS = {"train": (0, 8), "validation": (8, 9), "test": (9, 10)}


def read(
    source: str | os.PathLike[str],
    split: str,
    image_format: ImageFormat,
    *,
    on_damaged: str = "skip",
) -> tf.data.Dataset:
    """Cuts the patches of one split out of photos; nothing is scaled.

    Folders named train, validation and test are these splits; see `folder.find_images`.
    Else, of 10 photos or more, 80, 10 and 10 percent of the photos are for training,
    validation and test. Fewer are cut into three vertical bands each, of 80, 10 and
    10 percent of the width from the left. No pixel is in two splits, but pixels on
    the two sides of a border between bands are neighbours.

    Training patches overlap: they lie half a patch apart, rounded up. Those of the
    other splits do not. They start at the upper left; what does not fill a patch at
    the right and at the bottom is left out.

    All patches of the split are kept in memory as uint8, height x width x channels
    bytes each; training patches together take about four times the photos' pixels.

    Args:
        source: a folder of photos, as `folder.read` takes it, or "sample_photos" for
            the two that scikit-learn carries.
        split: "train", "validation", "test" or "all", the three one after another.
        image_format: `image_size` is the size of a patch, (32, 32) if it is None;
            `color_mode` None is "rgb".
        on_damaged: "skip" to leave damaged photos out and log their names, "raise"
            to raise. The division is the same either way.

    Returns:
        Single examples: {"image": (h, w, c), "label": int64}, of known cardinality.
        Labels count the sorted class folders, or the two sample photos.

    Raises:
        FileNotFoundError: if there is no such folder or no image in it.
        ValueError: if a photo is too small, or if `split` or the number of levels is
            wrong.
        DamagedImageError: if a photo is damaged and `on_damaged` is "raise", or if
            all are.
    """
    image_format.check_levels(NUM_LEVELS)
    splits.check(split)
    root, found = _find_photos(source)
    parts = tuple(_BANDS) if split == "all" else (split,)
    patches, labels = _Photos(root, found, image_format).cut(parts, on_damaged)
    return image_format.examples(patches, labels, NUM_LEVELS)


def _find_photos(
    source: str | os.PathLike[str],
) -> tuple[pathlib.Path, folder.ImageFiles]:
    if source == SAMPLE_PHOTOS:
        from sklearn.datasets import load_sample_images

        paths = [pathlib.Path(name) for name in load_sample_images().filenames]
        files = [(path.name, label) for label, path in enumerate(paths)]
        return paths[0].parent, folder.ImageFiles(files, in_split={})
    root = pathlib.Path(source).expanduser()
    if not root.is_dir():
        raise FileNotFoundError(
            f"There is no folder {str(root)!r}. Pass 'patches:PATH' where "
            "PATH/<class>/<photo> or PATH/<photo> exists, or "
            f"'patches:{SAMPLE_PHOTOS}'."
        )
    return root, folder.find_images(root, with_classes=False)


class _Photos:
    """The photos of a folder, divided among the splits.

    Args:
        root: the folder that paths are relative to.
        found: the photos.
        image_format: tells the size of a patch and the colour mode.
    """

    def __init__(
        self,
        root: pathlib.Path,
        found: folder.ImageFiles,
        image_format: ImageFormat,
    ) -> None:
        self.root = root
        self.found = found
        self.in_bands = len(found.files) < _LEAST_PHOTOS and not found.in_split
        self.patch_size = image_format.image_size or DEFAULT_PATCH_SIZE
        self.color_mode = image_format.color_mode or "rgb"
        self.damaged: dict[str, Exception] = {}

    def cut(
        self, parts: tuple[str, ...], on_damaged: str
    ) -> tuple[np.ndarray, np.ndarray]:
        """Cuts photos of some splits: uint8 (n, h, w, c); and labels, int64 (n,)."""
        patches, labels = [], []
        everything = range(len(self.found.files))
        shares = [
            (part, index)
            for part in parts
            for index in (everything if self.in_bands else self.found.choose(part))
        ]
        for part, index in shares:
            path, label = self.found.files[index]
            photo = self._read(path)
            if photo is not None:
                patches.append(self._cut_one(path, photo, part))
                labels.append(np.full(len(patches[-1]), label, np.int64))
            elif on_damaged == "raise":
                raise self._damage()
        if not patches:
            raise self._damage()
        if self.damaged:
            logging.warning(
                "skipped %d of %d photos that could not be read: %s",
                len(self.damaged),
                len({index for _, index in shares}),
                shorten(sorted(self.damaged)),
            )
        return np.concatenate(patches), np.concatenate(labels)

    def _read(self, path: str) -> np.ndarray | None:
        try:
            return read_image(self.root / path, self.color_mode)
        except Exception as error:  # decoders raise nearly anything
            self.damaged[path] = error
            return None

    def _cut_one(self, path: str, photo: np.ndarray, part: str) -> np.ndarray:
        height, width = self.patch_size
        rows, columns = photo.shape[:2]
        least_columns = 10 * width if self.in_bands else width
        if rows < height or columns < least_columns:
            raise ValueError(self._explain_size(path, (rows, columns), least_columns))
        if self.in_bands:
            start, stop = (columns * tenths // 10 for tenths in _BANDS[part])
            photo = photo[:, start:stop]
        if part == "train":
            step = (height + 1) // 2, (width + 1) // 2
        else:
            step = height, width
        windows = np.lib.stride_tricks.sliding_window_view(
            photo, (height, width), axis=(0, 1)
        )[:: step[0], :: step[1]]
        channels_last = np.moveaxis(windows, 2, -1)
        return channels_last.reshape(-1, height, width, photo.shape[2])

    def _explain_size(
        self, path: str, received: tuple[int, int], least_columns: int
    ) -> str:
        height, width = self.patch_size
        bands = (
            ", for each photo is cut into bands of which the narrowest have a tenth of "
            f"its width unless there are {_LEAST_PHOTOS} photos or more"
        )
        return (
            f"Photos must have at least {height} rows and {least_columns} columns for "
            f"patches of {height}x{width} pixels{bands if self.in_bands else ''}. "
            f"{str(self.root / path)!r} has {received[0]} rows and {received[1]} "
            "columns. Pass a smaller image_size, which is the size of a patch, or "
            "remove the photo."
        )

    def _damage(self) -> DamagedImageError:
        told = sorted(f"{path} ({error})" for path, error in self.damaged.items())
        return DamagedImageError(
            f"Every photo in {str(self.root)!r} must be readable, but these are not: "
            f"{shorten(told)}. Repair or remove them; on_damaged='skip' leaves out "
            "damaged photos as long as any of the split is sound."
        )
