"""Encoding and decoding of PNG files in a graph, with checks.

The size that a file claims is read before anything is unpacked, and files must be
short, so that a small one asks for little memory and a padded one for little time: a
byte inflates to about a thousand. Transparent pixels of an image are laid over white,
unless the model has four channels; those of a mask are unknown. Programs read files in
the same way (`keras_pixelcnn.datasets.image_file`).
"""

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from keras_pixelcnn.checks import checked
from keras_pixelcnn.pixel_values import (
    MASK_RULE,
    are_ends,
    is_shade,
    is_white,
    luma,
    over_white,
    to_levels,
    to_pixels,
)

if TYPE_CHECKING:
    from keras_pixelcnn.models import ImageModel

CHANNELS = (1, 3, 4)
"""Grey; red, green, blue; and alpha. TensorFlow reads no grey with alpha."""

MOST_LEVELS = 2**16

_RGBA = 4

_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_SIZE_BYTES = 8
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"

_MOST_BYTES_OF_PIXEL = 16
"""Twice what the largest pixel has, four channels of 16 bits."""

_MOST_OTHER_BYTES = 2**16
"""Of a file, beside its pixels."""

_MOST_OTHER_BYTES_OF_ALL = 2**17
"""Of the files of a batch together: what is compressed in them may inflate a
thousandfold, and would keep a server busy."""


class PNGFormat:
    """Converts images of a model to PNG files and back.

    Level v of L is the value nearest to v * 255 / (L - 1); above 256 levels files have
    16 bits, and 65,535 takes the place of 255. Reading takes the nearest level.

    Args:
        model: one whose images such files can hold.
    """

    def __init__(self, model: "ImageModel") -> None:
        self._shape = model.image_shape
        self._bits = 8 if model.num_levels <= 256 else 16
        levels, values = np.arange(model.num_levels), np.arange(2**self._bits)
        self._pixels = to_pixels(levels, model.num_levels, self._bits)
        self._levels = to_levels(values, model.num_levels, self._bits)

    @staticmethod
    def can_hold(model: "ImageModel") -> bool:
        """Tells whether PNG files can hold the images of a model."""
        return model.image_shape[-1] in CHANNELS and model.num_levels <= MOST_LEVELS

    def encode(self, image: tf.Tensor) -> tf.Tensor:
        """Encodes images as PNG files.

        Args:
            image: integers in [0, num_levels), (batch, height, width, channels).

        Returns:
            string tensor (batch,).
        """
        # TensorFlow gathers no uint16 on GPUs.
        pixels = tf.gather(self._pixels.astype(np.int32), tf.cast(image, tf.int32))
        pixels = tf.cast(pixels, tf.as_dtype(self._pixels.dtype))
        return tf.map_fn(tf.io.encode_png, pixels, fn_output_signature=tf.string)

    def decode(self, name: str, files: tf.Tensor) -> tf.Tensor:
        """Decodes PNG files; grey, colour and alpha are converted as needed.

        Args:
            name: of the input, for what is answered when a file does not fit.
            files: string tensor (batch,).

        Returns:
            int32 in [0, num_levels), (batch, height, width, channels).
        """
        pixels = self._decode(name, files, self._bits)
        if self._shape[-1] != _RGBA:
            largest = 2**self._bits - 1
            pixels = over_white(pixels[..., :3], pixels[..., 3:], largest)
        if self._shape[-1] == 1:
            pixels = luma(*tf.split(pixels, 3, axis=-1))
        return tf.gather(self._levels, pixels)

    def decode_mask(self, name: str, files: tf.Tensor) -> tf.Tensor:
        """Decodes masks: bool (batch, height, width), True where white.

        Masks are black and white, in the file's own depth (`pixel_values.MASK_RULE`).
        Transparent pixels count as black.
        """
        largest = 2**16 - 1
        pixels = self._decode(name, files, bits=16)
        values = luma(*tf.split(pixels[..., :3], 3, axis=-1)) * pixels[..., 3:]
        values = tf.squeeze(values // largest, axis=-1)
        lowest, highest = (
            reduce(values, axis=[1, 2]) for reduce in (tf.reduce_min, tf.reduce_max)
        )
        possible = are_ends(lowest, highest, largest)
        possible &= ~tf.reduce_any(is_shade(values, largest), axis=[1, 2])
        distance = tf.abs(2 * values - largest)
        middle = tf.reduce_min(tf.reshape(distance, [tf.shape(values)[0], -1]), axis=-1)
        found = tf.stack([lowest, highest, (largest - middle) // 2], axis=-1)
        rule = (
            f"{name} {MASK_RULE}. Lowest value, highest, and distance of one from the "
            f"nearer end, in shares of the full scale."
        )
        values = checked(possible, values, rule, shown=found / largest)
        return is_white(values, largest)

    def _decode(self, name: str, files: tf.Tensor, bits: int) -> tf.Tensor:
        """Decodes all files as RGBA, int64."""
        files = self._checked_files(name, files)
        dtype = tf.uint8 if bits == 8 else tf.uint16

        def decode(file: tf.Tensor) -> tf.Tensor:
            # The name is in the message when the inside of a file is damaged.
            pixels = tf.io.decode_png(file, _RGBA, dtype, name=name)
            pixels = tf.ensure_shape(pixels, [*self._shape[:2], _RGBA])
            return _with_alpha(pixels, file, dtype)

        signature = tf.TensorSpec([*self._shape[:2], _RGBA], dtype)
        pixels = tf.map_fn(decode, files, fn_output_signature=signature)
        return tf.cast(pixels, tf.int64)

    def _checked_files(self, name: str, files: tf.Tensor) -> tf.Tensor:
        """Checks the beginning, end, image size and length of each file."""
        height, width = self._shape[:2]
        length, least = tf.strings.length(files), len(_START) + len(_END)
        rule = f"{name} must hold PNG files, which have at least {least} bytes."
        files = checked(length >= least, files, rule, shown=length)
        most = height * width * _MOST_BYTES_OF_PIXEL + _MOST_OTHER_BYTES
        rule = f"{name} must hold PNG files of at most {most} bytes for such a picture."
        files = checked(length <= most, files, rule, shown=length)
        others = tf.maximum(length - (most - _MOST_OTHER_BYTES), 0)
        others = tf.reduce_sum(others, axis=-1, keepdims=True)
        rule = (
            f"{name} must hold PNG files with at most {_MOST_OTHER_BYTES_OF_ALL} bytes "
            "together beside their pixels: leave out their metadata, or send fewer."
        )
        few = others <= _MOST_OTHER_BYTES_OF_ALL
        files = checked(few, files, rule, shown=others)
        start = tf.strings.substr(files, 0, len(_START))
        rule = f"{name} must hold PNG files; one of so many bytes begins otherwise."
        # Bytes are no text: they could not be shown.
        files = checked(start == _START, files, rule, shown=length)
        size = tf.strings.substr(files, len(_START), _SIZE_BYTES)
        size = tf.io.decode_raw(size, tf.int32, little_endian=False)
        size = tf.ensure_shape(size, [None, 2])
        rule = f"{name} must hold pictures of {width} x {height} pixels, width first."
        fits = tf.reduce_all(size == [width, height], axis=-1)
        files = checked(fits, files, rule, shown=size)
        end = tf.strings.substr(files, -len(_END), len(_END))
        rule = f"{name} must hold whole PNG files; one of so many bytes ends too early."
        return checked(end == _END, files, rule, shown=length)


def _with_alpha(pixels: tf.Tensor, file: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Makes files without alpha opaque.

    TensorFlow gives those of fewer than 8 bits 1, 3 or 15 of 255 as alpha.
    """
    depth = tf.cast(tf.io.decode_raw(tf.strings.substr(file, 24, 1), tf.uint8), dtype)
    filler = tf.bitwise.left_shift(tf.ones([1], dtype), depth) - 1
    filler *= dtype.max // 255
    is_filler = (depth < 8) & tf.reduce_all(pixels[..., 3] == filler)
    alpha = tf.where(is_filler, tf.constant(dtype.max, dtype), pixels[..., 3:])
    return tf.concat([pixels[..., :3], alpha], axis=-1)
