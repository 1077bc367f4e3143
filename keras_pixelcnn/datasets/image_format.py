"""Conversion of images to the size, colours and levels asked for."""

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from keras_pixelcnn.checks import is_integer
from keras_pixelcnn.pixel_values import luma

COLOR_MODES = ("grayscale", "rgb")


@dataclasses.dataclass(frozen=True)
class ImageFormat:
    """The size, colours and levels that a caller asks for.

    Args:
        image_size: height and width, or None to leave images as large as they are.
        color_mode: "grayscale", "rgb" or None to leave channels as they are.
        num_levels: number of values that a pixel can take, or None for as many as
            the source has.

    Raises:
        ValueError: if an argument is none of these.
    """

    image_size: tuple[int, int] | None = None
    color_mode: str | None = None
    num_levels: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "image_size", checked_size(self.image_size))
        if self.color_mode is not None and self.color_mode not in COLOR_MODES:
            raise ValueError(
                '`color_mode` must be "grayscale", "rgb" or None (as stored), '
                f"received {self.color_mode!r}."
            )
        if self.num_levels is not None and not is_integer(self.num_levels, least=2):
            raise ValueError(
                "`num_levels` must be an integer of at least 2 or None (as many as "
                f"the source has), received {self.num_levels!r}."
            )

    def check_levels(self, native_levels: int) -> None:
        """Raises ValueError if more levels are wanted than the source has.

        Fewer are told in the log: the model learns, and scores, coarser images.
        """
        if self.num_levels is not None and self.num_levels > native_levels:
            raise ValueError(
                f"`num_levels` must be at most {native_levels}, the number of levels "
                f"that the source has, received {self.num_levels}. Levels can be "
                "merged, not invented."
            )
        if self.num_levels is not None and self.num_levels < native_levels:
            logging.warning(
                "The %d levels of the images are merged to num_levels=%d. Leave it out "
                "to keep them, and give the model as many.",
                native_levels,
                self.num_levels,
            )

    def convert(self, image: tf.Tensor, native_levels: int) -> tf.Tensor:
        """Converts one image: first colour, then size, then levels.

        Args:
            image: integers in [0, `native_levels`), shape (rows, columns, channels)
                with a static number of channels; rows and columns may be dynamic.
            native_levels: number of levels that the source has.

        Returns:
            Integers in [0, levels), uint8 where levels is at most 256, else int32.

        Raises:
            ValueError: if the channels cannot be converted to `color_mode`.
        """
        image = _convert_color(image, self.color_mode)
        if self.image_size is not None:
            image = _fit(image, self.image_size, native_levels)
        levels = self.num_levels or native_levels
        if levels != native_levels:
            image = tf.cast(image, tf.int64) * levels // native_levels
        return tf.cast(image, tf.uint8 if levels <= 256 else tf.int32)

    def examples(
        self, images: np.ndarray, labels: np.ndarray, native_levels: int
    ) -> tf.data.Dataset:
        """Makes single examples of images that are in memory.

        Args:
            images: as for `convert`, led by their number.
            labels: int64, one for each image.
            native_levels: number of levels that the source has.

        Returns:
            A dataset of {"image", "label"}, the images converted.
        """
        stored = tf.data.Dataset.from_tensor_slices({"image": images, "label": labels})

        @tf.autograph.experimental.do_not_convert
        def convert(example: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            image = self.convert(example["image"], native_levels)
            return {"image": image, "label": example["label"]}

        return stored.map(convert, num_parallel_calls=tf.data.AUTOTUNE)


def checked_size(image_size: Any) -> tuple[int, int] | None:
    """Returns (height, width), of which one number may stand for both; None for None.

    Raises:
        ValueError: when it is none of these.
    """
    if image_size is None:
        return None
    if is_integer(image_size, least=1):
        image_size = (image_size, image_size)
    is_pair = isinstance(image_size, tuple | list) and len(image_size) == 2
    if not is_pair or not all(is_integer(length, least=1) for length in image_size):
        raise ValueError(
            "`image_size` must be (height, width), one positive integer for both, or "
            "None (as stored); on a command line 16,24 or 16. "
            f"Received: {image_size!r}"
        )
    height, width = image_size
    return int(height), int(width)


def _convert_color(image: tf.Tensor, color_mode: str | None) -> tf.Tensor:
    channels = image.shape[-1]
    if color_mode is None or channels == {"grayscale": 1, "rgb": 3}[color_mode]:
        return image
    if color_mode == "rgb" and channels == 1:
        return tf.repeat(image, 3, axis=-1)
    if color_mode == "grayscale" and channels == 3:
        return tf.cast(
            luma(*tf.split(tf.cast(image, tf.int64), 3, axis=-1)), image.dtype
        )
    raise ValueError(
        f"Images must have 1 or 3 channels to become color_mode={color_mode!r}, "
        f"received {channels} channels. Pass color_mode=None to keep them."
    )


def _fit(image: tf.Tensor, size: tuple[int, int], levels: int) -> tf.Tensor:
    """Scales until the image just covers `size` and keeps the centre."""
    if tuple(image.shape[:2]) == size:
        return image
    image = _crop_to_ratio(image, size)
    image = tf.image.resize(tf.cast(image, tf.float32), size, antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(image), 0, levels - 1), tf.int32)


def _crop_to_ratio(image: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Cuts the largest centred part that has the proportions of `size`.

    Cropping before scaling spares the memory of scaling what is cut away.
    """
    height, width = size
    rows, columns = tf.unstack(tf.shape(image, out_type=tf.int64)[:2])
    kept_rows = tf.clip_by_value(_divide(columns * height, width), 1, rows)
    kept_columns = tf.clip_by_value(_divide(rows * width, height), 1, columns)
    top = (rows - kept_rows) // 2
    left = (columns - kept_columns) // 2
    return image[top : top + kept_rows, left : left + kept_columns]


def _divide(numerator: tf.Tensor, denominator: int) -> tf.Tensor:
    """Divides integers, rounding to the nearest."""
    return (2 * numerator + denominator) // (2 * denominator)
