"""The stream format: a header and batches, each with a checksum.

    "KPXC", version, header, checksum, then for each batch: its bytes, checksum

A batch's checksum also covers the header's and the batch's number: a batch of another
stream, or at another place, is no better than a damaged one.
"""

import itertools
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from keras_pixelcnn.codecs.batch_coder import CodedBatch, CodedSlice, slices_of
from keras_pixelcnn.codecs.byte_fields import ByteReader, as_bytes, number, string
from keras_pixelcnn.codecs.errors import DamagedStreamError
from keras_pixelcnn.codecs.fingerprint import DIGEST_BYTES, NUM_BYTES, digest
from keras_pixelcnn.codecs.tile_geometry import num_tiles
from keras_pixelcnn.samplers import MOST_SLICES

MAGIC = b"KPXC"
VERSION = 2
"""Of what is written. Version 1 coded the values of mixtures whole, not in digits."""

MOST_TILES = 4096
"""Of a batch: what a header can make a decoder hold."""

_TOO_MANY_BYTES = 2**62
"""Of an image: no array can be so large, not even one of no images."""

DTYPES = tuple(
    np.dtype(name)
    for name in "uint8 uint16 uint32 uint64 int8 int16 int32 int64".split()
)


class SizeRun(NamedTuple):
    """A run of consecutive images of one size."""

    count: int  # type: ignore[assignment]  # a method of tuples has the name
    height: int
    width: int


class SizeRuns(Collection[SizeRun]):
    """Runs as three columns of integers: a stream may have millions of them.

    As many tuples, kept, would be gone through by Python's garbage collector over and
    over.

    Args:
        columns: counts, heights and widths, equally many.
    """

    def __init__(self, columns: Sequence[list[int]]) -> None:
        self._columns = columns

    def __len__(self) -> int:
        return len(self._columns[0])

    def __iter__(self) -> Iterator[SizeRun]:
        return map(SizeRun, *self._columns)

    def __contains__(self, run: object) -> bool:
        return any(run == own for own in self)


class Header(NamedTuple):
    """The header of a stream."""

    fingerprint: bytes
    """Of the model."""
    image_shape: tuple[int, int, int]
    """Of the model: (height, width, channels) of a tile."""
    num_levels: int
    dtype: np.dtype
    """Of the images as they were given."""
    is_array: bool
    """Whether they were one array, or a sequence of them."""
    sizes: Collection[SizeRun]
    batch_size: int
    """Tiles coded together."""
    most_slices: int
    """Into how many slices a batch is cut at most."""
    conditions: bytes
    """Which images have their condition, and labels; see `condition_codes`."""
    conditions_digest: bytes
    """Of the conditions that do not travel."""
    numerics: str
    """What it was coded with."""
    metadata: bytes
    """Whatever the caller added."""
    version: int = VERSION
    """Of the stream's format: 1 or 2."""

    @property
    def num_images(self) -> int:
        """Number of images."""
        return sum(count for count, _, _ in self.sizes)

    @property
    def num_values(self) -> int:
        """Number of values of all images."""
        channels = self.image_shape[-1]
        return channels * sum(
            count * height * width for count, height, width in self.sizes
        )

    @property
    def num_tiles(self) -> int:
        """Number of tiles of all images."""
        tile = self.image_shape[:2]
        return sum(
            count * num_tiles((height, width), tile)
            for count, height, width in self.sizes
        )

    def image_sizes(self) -> Iterator[tuple[int, int]]:
        """Yields (height, width) of one image after the other."""
        for count, height, width in self.sizes:
            yield from itertools.repeat((height, width), count)

    def batch_sizes(self) -> Iterator[int]:
        """Yields the number of tiles of each batch."""
        left = self.num_tiles
        while left > 0:
            yield min(left, self.batch_size)
            left -= self.batch_size


def size_runs(sizes: Iterator[tuple[int, int]]) -> SizeRuns:
    """Groups consecutive equal sizes into runs."""
    columns: tuple[list[int], ...] = ([], [], [])
    for size, run in itertools.groupby(sizes):
        for column, value in zip(columns, (len(list(run)), *size), strict=True):
            column.append(value)
    return SizeRuns(columns)


class StreamWriter:
    """Turns a header and batches into bytes, piece by piece.

    Args:
        header: of the stream.
    """

    def __init__(self, header: Header) -> None:
        body = _header_bytes(header)
        start = MAGIC + bytes([header.version])
        self._identity = digest([start, body])
        self._num_batches = 0
        self.start = start + string(body) + self._identity

    def batch(self, batch: CodedBatch) -> bytes:
        """Returns the bytes of the next batch."""
        parts = [batch.pixel_digest]
        for each in batch.slices:
            parts += [each.probe.to_bytes(4, "little"), string(each.data)]
        body = b"".join(parts)
        check = _batch_digest(self._identity, self._num_batches, body)
        self._num_batches += 1
        return string(body) + check


def read_header(data: bytes) -> Header:
    """Reads the header of a stream, without a model and without its batches.

    Args:
        data: a stream.

    Raises:
        DamagedStreamError: when the header is not whole, or it is no stream.
        TypeError: when `data` is not bytes.
    """
    return _read_start(ByteReader(as_bytes("data", data)))[0]


def read_stream(data: bytes) -> tuple[Header, list[CodedBatch]]:
    """Splits a stream into its parts and checks them all, without decoding.

    What is made is in proportion to the bytes given, whatever the header claims.

    Args:
        data: a stream.

    Raises:
        DamagedStreamError: when anything was changed, cut off or added.
    """
    reader = ByteReader(as_bytes("data", data))
    header, identity = _read_start(reader)
    batches = []
    for size in header.batch_sizes():
        body = reader.string()
        if reader.read(DIGEST_BYTES) != _batch_digest(identity, len(batches), body):
            raise DamagedStreamError(
                f"The stream is damaged: batch {len(batches)} does not have the "
                "checksum that it should."
            )
        batches.append(_read_batch(body, size, header.most_slices))
    reader.end()
    return header, batches


def _batch_digest(identity: bytes, index: int, body: bytes) -> bytes:
    return digest([identity, number(index), body])


def _read_batch(body: bytes, size: int, most_slices: int) -> CodedBatch:
    reader = ByteReader(body)
    pixel_digest = reader.read(DIGEST_BYTES)
    slices = []
    for _ in slices_of(size, most_slices):
        probe = int.from_bytes(reader.read(4), "little")
        slices.append(CodedSlice(probe, reader.string()))
        if len(slices[-1].data) % 4:
            raise DamagedStreamError("The stream is damaged: there are half words.")
        if not slices[-1].data:  # no value is certain
            raise DamagedStreamError("The stream is damaged: a slice codes nothing.")
    reader.end()
    return CodedBatch(size, pixel_digest, tuple(slices))


def _header_bytes(header: Header) -> bytes:
    parts = [
        header.fingerprint,
        *map(number, header.image_shape),
        number(header.num_levels),
        number(DTYPES.index(header.dtype)),
        number(header.is_array),
        number(header.batch_size),
        number(header.most_slices),
        number(len(header.sizes)),
        *(number(part) for run in header.sizes for part in run),
        string(header.conditions),
        string(header.conditions_digest),
        string(header.numerics.encode()),
        string(header.metadata),
    ]
    return b"".join(parts)


def _read_start(reader: ByteReader) -> tuple[Header, bytes]:
    if reader.num_left < len(MAGIC) or (start := reader.read(len(MAGIC))) != MAGIC:
        raise DamagedStreamError(
            "A stream must be what PixelCNNCodec.compress gave. "
            "Received: other data, or a stream whose beginning is damaged."
        )
    version = reader.read(1)[0]
    if not 1 <= version <= VERSION:
        raise DamagedStreamError(
            f"The stream must have a format version of 1 to {VERSION}. Received: "
            f"version {version}; it is of a later release of this package, or damaged."
        )
    body = reader.string()
    identity = digest([start + bytes([version]), body])
    if reader.read(DIGEST_BYTES) != identity:
        raise DamagedStreamError(
            "The stream is damaged: its header does not have the checksum that it "
            "should."
        )
    header = _read_body(ByteReader(body))._replace(version=version)
    return _checked(header), identity


def _read_body(reader: ByteReader) -> Header:
    fingerprint = reader.read(NUM_BYTES)
    image_shape = (reader.number(), reader.number(), reader.number())
    num_levels, dtype, is_array = reader.number(), reader.number(), reader.number()
    batch_size, most_slices = reader.number(), reader.number()
    count = reader.number()
    # Each run takes bytes, so that the bytes bound how many there can be.
    runs = reader.numbers(min(3 * count, reader.num_left + 1))
    conditions, conditions_digest = reader.string(), reader.string()
    numerics, metadata = reader.string(), reader.string()
    reader.end()
    if dtype >= len(DTYPES):
        raise DamagedStreamError("The stream is damaged: its header makes no sense.")
    return Header(
        fingerprint=fingerprint,
        image_shape=image_shape,
        num_levels=num_levels,
        dtype=DTYPES[dtype],
        is_array=bool(is_array),
        sizes=SizeRuns([runs[::3], runs[1::3], runs[2::3]]),
        batch_size=batch_size,
        most_slices=most_slices,
        conditions=conditions,
        conditions_digest=conditions_digest,
        numerics=numerics.decode("utf-8", "replace"),
        metadata=metadata,
    )


def _checked(header: Header) -> Header:
    """Refuses what no encoder writes, whatever the checksum says."""
    value_bytes = header.image_shape[-1] * header.dtype.itemsize
    makes_sense = (
        all(header.image_shape)
        and 2 <= header.num_levels <= 65_536
        and 1 <= header.batch_size <= MOST_TILES
        and 1 <= header.most_slices <= MOST_SLICES
        and all(
            0 < height * width * value_bytes < _TOO_MANY_BYTES
            and (count or header.is_array)
            for count, height, width in header.sizes
        )
        and not (header.is_array and len(header.sizes) != 1)
    )
    if not makes_sense:
        raise DamagedStreamError("The stream is damaged: its header makes no sense.")
    return header
