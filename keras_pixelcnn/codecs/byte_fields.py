"""Variable-length integers and byte strings, read with checks."""

from typing import Any

import numpy as np

from keras_pixelcnn.codecs.errors import DamagedStreamError

_MOST_NUMBER_BYTES = 9
"""Of a number: 63 bits."""


def number(value: int) -> bytes:
    """Encodes an integer of at least 0, 7 bits a byte, the lowest first."""
    groups = []
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


def string(value: bytes) -> bytes:
    """Encodes a byte string with its length before it."""
    return number(len(value)) + value


def as_bytes(name: str, data: Any) -> bytes:
    """Checks that an argument is bytes.

    Raises:
        TypeError: when it is anything else.
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(
            f"{name} must be bytes. Received: {type(data).__name__}. Pass the bytes, "
            "e.g. pathlib.Path(...).read_bytes()."
        )
    return bytes(data)


class ByteReader:
    """Reads fields from the front.

    Args:
        data: all of them.

    Attributes:
        position: bytes read.
    """

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self.position = 0

    @property
    def num_left(self) -> int:
        """Number of bytes not yet read."""
        return len(self._data) - self.position

    def read(self, count: int) -> bytes:
        """Reads the next bytes.

        Raises:
            DamagedStreamError: when there are fewer.
        """
        if count > self.num_left:
            raise DamagedStreamError(
                f"The stream is cut or damaged: {count} bytes should follow. "
                f"Received: {self.num_left}"
            )
        self.position += count
        return bytes(self._data[self.position - count : self.position])

    def number(self) -> int:
        """Reads the next integer.

        Raises:
            DamagedStreamError: when there is none.
        """
        value = 0
        for place in range(_MOST_NUMBER_BYTES):
            (group,) = self.read(1)
            value |= (group & 0x7F) << (7 * place)
            if group < 0x80:
                return value
        raise DamagedStreamError("The stream is damaged: a number has no end.")

    def numbers(self, count: int) -> list[int]:
        """Reads the next integers, many of them fast.

        Raises:
            DamagedStreamError: when there are fewer.
        """
        data = np.frombuffer(self._data[self.position :], np.uint8)
        ends = np.flatnonzero(data[: count * _MOST_NUMBER_BYTES] < 0x80)[:count]
        if len(ends) < count:
            raise DamagedStreamError(
                f"The stream is cut or damaged: {count} numbers should follow. "
                f"Received: {len(ends)}"
            )
        starts = np.concatenate([[0], ends[:-1] + 1])[:count].astype(np.int64)
        lengths = ends - starts + 1
        if lengths.max(initial=0) > _MOST_NUMBER_BYTES:
            raise DamagedStreamError("The stream is damaged: a number has no end.")
        values = np.zeros(count, np.int64)
        for place in range(lengths.max(initial=0)):
            longer = np.flatnonzero(lengths > place)
            groups = data[starts[longer] + place].astype(np.int64) & 0x7F
            values[longer] |= groups << (7 * place)
        self.position += int(lengths.sum())
        return values.tolist()

    def string(self) -> bytes:
        """Reads the next byte string.

        Raises:
            DamagedStreamError: when there are fewer.
        """
        return self.read(self.number())

    def end(self) -> None:
        """Checks that nothing is left.

        Raises:
            DamagedStreamError: when something is.
        """
        if self.num_left:
            raise DamagedStreamError(
                f"The stream is damaged: {self.num_left} bytes are left over."
            )
