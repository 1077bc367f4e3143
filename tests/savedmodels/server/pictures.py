"""PNG files, whole and damaged."""

import struct
import zlib

import numpy as np
import tensorflow as tf

IMAGE = tf.io.encode_png(np.zeros((4, 3, 1), np.uint8)).numpy()
"""Of the tiny model's size."""


def _chunk(kind, data):
    check = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check


def bomb(width, height):
    """A file of a few kilobytes that claims to be a picture of this size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(1 << 20), 9)
    parts = [(b"IHDR", header), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def damaged(file):
    """A file of which one byte in the middle, in its data, is another."""
    middle = file.index(b"IDAT") + 8
    return file[:middle] + bytes([file[middle] ^ 0xFF]) + file[middle + 1 :]


DAMAGED = {
    "empty": b"",
    "no_picture": b"GIF89a, and more than twenty-eight bytes of it",
    "truncated": IMAGE[: len(IMAGE) // 2],
    "without_its_end": IMAGE[:-12],
    "start_only": IMAGE[:33],
    "damaged": damaged(IMAGE),
    "of_another_size": tf.io.encode_png(np.zeros((3, 4, 1), np.uint8)).numpy(),
    "bomb": bomb(30_000, 30_000),
    "largest_bomb": bomb(2**31 - 1, 2**31 - 1),
    "jpeg": tf.io.encode_jpeg(np.zeros((4, 3, 1), np.uint8)).numpy(),
    "bomb_of_the_right_size": bomb(3, 4),
}
"""What is no PNG file of the tiny model's size, by kind. The last
holds more data than its size needs, which readers pass over."""
