"""Encoding and decoding of PNG files in a graph, with checks.

The size that a file claims is read before anything is unpacked, so that a small file
cannot ask for much memory.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from keras_pixelcnn.graph_checks import checked
from keras_pixelcnn.pixel_values import to_levels, to_pixels

CHANNELS = (1, 3, 4)
"""Grey; red, green, blue; and alpha. TensorFlow reads no grey with alpha."""

MOST_LEVELS = 2**16

_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_SIZE_BYTES = 8
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_WHITE_FROM = 128


class PNGFormat:
    """Converts images of a model to PNG files and back.

    Level v of L is the value nearest to v * 255 / (L - 1); above 256 levels files have
    16 bits, and 65,535 takes the place of 255. Reading takes the nearest level.

    Args:
        model: one whose images such files can hold.
    """

    def __init__(self, model: Any) -> None:
        self._shape = model.image_shape
        self._bits = 8 if model.num_levels <= 256 else 16
        levels, values = np.arange(model.num_levels), np.arange(2**self._bits)
        self._pixels = to_pixels(levels, model.num_levels, self._bits)
        self._levels = to_levels(values, model.num_levels, self._bits)

    @staticmethod
    def can_hold(model: Any) -> bool:
        """Whether PNG files can hold the images of a model."""
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
        pixels = self._decode(name, files, self._shape[-1], self._bits)
        return tf.gather(self._levels, tf.cast(pixels, tf.int32))

    def decode_mask(self, name: str, files: tf.Tensor) -> tf.Tensor:
        """Masks of files, as `decode`: bool (batch, height, width), True where white.

        White is 128 and above.
        """
        grey = self._decode(name, files, channels=1, bits=8)
        return tf.squeeze(grey, axis=-1) >= _WHITE_FROM

    def _decode(
        self, name: str, files: tf.Tensor, channels: int, bits: int
    ) -> tf.Tensor:
        files = self._checked_files(name, files)
        dtype = tf.uint8 if bits == 8 else tf.uint16

        def decode(file: tf.Tensor) -> tf.Tensor:
            # The name is in the message when the inside of a file is damaged.
            pixels = tf.io.decode_png(file, channels, dtype, name=name)
            return tf.ensure_shape(pixels, [*self._shape[:2], channels])

        signature = tf.TensorSpec([*self._shape[:2], channels], dtype)
        return tf.map_fn(decode, files, fn_output_signature=signature)

    def _checked_files(self, name: str, files: tf.Tensor) -> tf.Tensor:
        """Checks the beginning, end, image size and length of each file."""
        height, width = self._shape[:2]
        length, least = tf.strings.length(files), len(_START) + len(_END)
        rule = f"{name} must hold PNG files, which have at least {least} bytes."
        files = checked(length >= least, files, rule, shown=length)
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
