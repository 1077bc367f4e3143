"""Encoder and decoder of a slice, called by the scan at every place.

Both see the same places in the same order with the same tables. The first tables leave
a checksum, by which the decoder knows early whether they are the encoder's.
"""

import abc
import zlib
from collections.abc import Sequence

import numpy as np

from keras_pixelcnn.codecs.errors import CodecError, NumericsError
from keras_pixelcnn.codecs.range_coder import ValueDecoder, ValueEncoder

_PROBED_ROWS = 2
"""So many rows' worth of tables are compared: the second row has one above it."""


class SliceCoder(abc.ABC):
    """Codes the values of a slice's tiles, one place after the other.

    Args:
        image_shape: (height, width, channels) of a tile.
        inner: int (tiles, 2), how much of each tile is coded: height and width. What
            lies beyond repeats the last column and row.

    Attributes:
        probe: checksum of the first tables so far.
        tiles: int32 (height, width, channels, tiles), as far as they are known.
    """

    def __init__(self, image_shape: Sequence[int], inner: np.ndarray) -> None:
        self._shape = tuple(image_shape)
        self._inner = np.asarray(inner)
        self._is_whole = bool((self._inner == self._shape[:2]).all())
        self._visited = np.zeros(self._shape, bool)
        self._num_probed = _PROBED_ROWS * self._shape[1] * self._shape[2]
        self._next = 0
        self._expected_probe: int | None = None
        self.probe = 0
        self.tiles = np.zeros((*self._shape, len(self._inner)), np.int32)

    def __call__(
        self, place: tuple[int, ...], tables: np.ndarray, step: int = 1
    ) -> np.ndarray:
        """Codes the values of a place, or a digit of them.

        Args:
            place: (row, column, channel).
            tables: float32 (examples, base), as `range_coder.frequency_tables` gives;
                examples beyond the slice's tiles are padding.
            step: what is coded is value // step % base. The last digit has step 1.

        Returns:
            int32 (examples,): the digits.

        Raises:
            CodecError: when the tables are none.
        """
        if self._visited[place]:
            raise RuntimeError(f"A scan must visit a place once. Received: {place}")
        self._visited[place] = step == 1
        if self._next == self._num_probed:
            expected = self._expected_probe
            if expected is not None and self.probe != expected:
                raise NumericsError("the first tables differ")
        if np.isnan(tables[:, 0]).any():
            raise CodecError(
                "The model must give finite parameters. Received: probabilities that "
                f"are none, at row {place[0]}, column {place[1]}, channel {place[2]}. "
                "Were its weights trained to the end?"
            )
        digits = np.zeros(len(tables), np.int32)
        count, base = len(self._inner), tables.shape[1]
        if self._next < self._num_probed:
            first = np.ascontiguousarray(tables[:count])
            self.probe = zlib.crc32(first.data, self.probe)
        self._next += step == 1
        coded = self._coded(place)
        if coded is None:
            digits[:count] = self._code(place, coded, tables[:count], step)
        else:
            # Of the nearest place inside, as far as it is known.
            row, column = np.minimum(self._inner - 1, place[:2]).T
            repeated = self.tiles[row, column, place[2], np.arange(count)]
            digits[:count] = repeated // step % base
            if len(coded):
                digits[coded] = self._code(place, coded, tables[coded], step)
        self.tiles[place] += digits[:count] * step
        return digits

    def _coded(self, place: tuple[int, ...]) -> np.ndarray | None:
        """Returns the tiles of which the place is coded, None for all."""
        if self._is_whole:
            return None
        inside = (self._inner > place[:2]).all(axis=1)
        return None if inside.all() else np.flatnonzero(inside)

    @abc.abstractmethod
    def _code(
        self,
        place: tuple[int, ...],
        coded: np.ndarray | None,
        tables: np.ndarray,
        step: int,
    ) -> np.ndarray:
        """Codes a digit of some tiles (None: of all); returns int32 (n,)."""


class SliceEncoder(SliceCoder):
    """Encodes known values, and returns them to the scan.

    Args:
        tiles: int32 (tiles, height, width, channels).
        inner: as for `SliceCoder`.
    """

    def __init__(self, tiles: np.ndarray, inner: np.ndarray) -> None:
        super().__init__(tiles.shape[1:], inner)
        # A place's values lie side by side.
        self._values = np.ascontiguousarray(np.moveaxis(tiles, 0, -1), np.int32)
        self._coder = ValueEncoder()

    def _code(
        self,
        place: tuple[int, ...],
        coded: np.ndarray | None,
        tables: np.ndarray,
        step: int,
    ) -> np.ndarray:
        values = self._values[place]
        values = values if coded is None else values[coded]
        digits = values // step % tables.shape[1]
        self._coder.encode(digits, tables)
        return digits

    def finish(self) -> bytes:
        """Returns the bytes of all that was encoded."""
        return self._coder.finish()


class SliceDecoder(SliceCoder):
    """Decodes values, and returns them to the scan.

    Args:
        image_shape: as for `SliceCoder`.
        inner: as there.
        data: of the slice, as `SliceEncoder.finish` gave it.
        probe: the checksum of the first tables at the encoder.
    """

    def __init__(
        self, image_shape: Sequence[int], inner: np.ndarray, data: bytes, probe: int
    ) -> None:
        super().__init__(image_shape, inner)
        self._expected_probe = probe
        self._coder = ValueDecoder(data)

    def _code(
        self,
        place: tuple[int, ...],
        coded: np.ndarray | None,
        tables: np.ndarray,
        step: int,
    ) -> np.ndarray:
        try:
            return self._coder.decode(tables)
        except Exception as error:  # no data that these tables can have made
            raise NumericsError(f"the data make no sense: {error}") from error
