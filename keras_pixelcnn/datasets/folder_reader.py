"""Decoding of image files in a tf.data pipeline, with damaged ones noted."""

import os
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from keras_pixelcnn.datasets.errors import DamagedImageError, shorten
from keras_pixelcnn.datasets.image_file import NUM_LEVELS, read_image
from keras_pixelcnn.datasets.image_format import ImageFormat


class FolderReader:
    """Reads the image files of one split.

    Args:
        root: the folder that paths are relative to.
        files: pairs of a path and a label.
        image_format: what the images shall look like. Where it leaves size or colour
            open, all images must be as the first one.
        with_path: whether the examples tell their paths. Default False.

    Raises:
        DamagedImageError: if none of the files can be read.
    """

    def __init__(
        self,
        root: pathlib.Path,
        files: list[tuple[str, int]],
        image_format: ImageFormat,
        with_path: bool = False,
    ) -> None:
        self.root = root
        self.paths = [path for path, _ in files]
        self.labels = np.array([label for _, label in files], np.int64)
        self.image_format = image_format
        self.with_path = with_path
        self.checked = False
        self.damaged: dict[int, Exception] = {}
        self.differing: dict[int, tuple[int, ...]] = {}
        self.first, self.shape = self._first_readable()

    def examples(self) -> tf.data.Dataset:
        """Returns the examples of all files but those known to be damaged.

        Returns:
            Single examples: {"image": (h, w, c), "label": int64}, and "path".
        """
        sound = [i for i in range(len(self.paths)) if i not in self.damaged]
        indices = np.array(sound, np.int64)
        known: dict[str, Any] = {"index": indices, "label": self.labels[indices]}
        if self.with_path:
            known["path"] = [os.fsencode(self.paths[i]) for i in sound]
        return (
            tf.data.Dataset.from_tensor_slices(known)
            .map(self._decode, num_parallel_calls=tf.data.AUTOTUNE)
            .filter(_is_sound)
            .map(self._convert, num_parallel_calls=tf.data.AUTOTUNE)
        )

    def check(self, examples: tf.data.Dataset, on_damaged: str) -> int:
        """Goes through `examples` once and reports what was wrong with the files.

        Args:
            examples: made by `examples()`.
            on_damaged: "skip" or "raise".

        Returns:
            The number of examples. From now on a file that cannot be read raises.

        Raises:
            ValueError: if images differ in shape.
            DamagedImageError: if a file is damaged and `on_damaged` is "raise".
        """
        count = 0
        for _ in examples:
            count += 1
            if self.differing or (self.damaged and on_damaged == "raise"):
                break
        if self.damaged and on_damaged == "raise":
            raise self._damage()
        if self.differing:
            raise self._difference()
        if self.damaged:
            logging.warning(
                "skipped %d of %d files that could not be read: %s",
                len(self.damaged),
                len(self.paths),
                shorten(sorted(self.paths[index] for index in self.damaged)),
            )
        self.checked = True
        return count

    def _first_readable(self) -> tuple[int, tuple[int, ...]]:
        for index in range(len(self.paths)):
            image = self._read(index)
            if image is not None:
                return index, image.shape
        raise self._damage()

    def _read(self, index: int) -> np.ndarray | None:
        size = self.image_format.image_size
        try:
            return read_image(
                self.root / self.paths[index],
                self.image_format.color_mode,
                # Twice the size leaves the antialiasing its say.
                least_side=2 * max(size) if size else None,
            )
        except Exception as error:  # decoders raise nearly anything
            self.damaged[index] = error
            return None

    def _read_expected(self, index: np.int64) -> tuple[np.ndarray, bool]:
        image = self._read(int(index))
        if image is None and self.checked:
            raise DamagedImageError(
                f"{str(self.root / self.paths[index])!r} could be read when the "
                "dataset was loaded, but no longer "
                f"({self.damaged[int(index)]}). Restore the file, or pass cache=True "
                "to read files only while loading."
            )
        if image is not None and not self._is_expected(image.shape):
            self.differing[int(index)] = image.shape
            image = None
        if image is None:
            return np.zeros(self.shape, np.uint8), False
        return image, True

    def _is_expected(self, shape: tuple[int, ...]) -> bool:
        # With an image size, height and width are evened out later.
        start = 0 if self.image_format.image_size is None else 2
        return shape[start:] == self.shape[start:]

    @tf.autograph.experimental.do_not_convert
    def _decode(self, known: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        known = dict(known)
        image, is_sound = tf.numpy_function(
            self._read_expected, [known.pop("index")], (tf.uint8, tf.bool)
        )
        size = self.shape[:2] if self.image_format.image_size is None else (None, None)
        image.set_shape((*size, self.shape[2]))
        is_sound.set_shape(())
        return {"image": image, **known, "is_sound": is_sound}

    @tf.autograph.experimental.do_not_convert
    def _convert(self, example: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        example = dict(example)
        del example["is_sound"]
        image = self.image_format.convert(example["image"], NUM_LEVELS)
        return {**example, "image": image}

    def _damage(self) -> DamagedImageError:
        told = sorted(
            f"{self.paths[index]} ({error})" for index, error in self.damaged.items()
        )
        return DamagedImageError(
            f"Every image in {str(self.root)!r} must be readable, but these are not: "
            f"{shorten(told)}. Repair or remove them; on_damaged='skip' leaves out "
            "damaged files as long as any is sound."
        )

    def _difference(self) -> ValueError:
        index, shape = min(self.differing.items())
        wanted = "image_size=(height, width)"
        if shape[2] != self.shape[2]:
            wanted = 'color_mode="rgb" or "grayscale"'
        return ValueError(
            f"All images in {str(self.root)!r} must have one shape (height, width, "
            f"channels), but {self.paths[self.first]!r} has {self.shape} and "
            f"{self.paths[index]!r} has {shape}. Pass {wanted} to even them out."
        )


@tf.autograph.experimental.do_not_convert
def _is_sound(example: dict[str, tf.Tensor]) -> tf.Tensor:
    return example["is_sound"]
