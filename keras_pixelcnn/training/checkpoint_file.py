"""One checkpoint in one file, with SHA-256 checksums over every byte of it.

The format is that of safetensors, so that other tools can look into a checkpoint: the
header's length (8 bytes, little-endian), the header (JSON: dtype, shape and place of
each array, and metadata), the arrays. The metadata hold the two checksums and the
record. No Python object is ever stored, and so none is ever run.
"""

import hashlib
import json
import math
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

import ml_dtypes
import numpy as np

_FORMAT_VERSION = 1
_LENGTH_BYTES = 8
_LARGEST_HEADER = 100_000_000
"""The limit of safetensors, in bytes."""

_CHUNK = 2**22
_METADATA = "__metadata__"
# The header's own checksum stands at a fixed place, to be checked before it is parsed.
_START = f'{{"{_METADATA}":{{"header_sha256":"'.encode()
_END_OF_DIGEST = len(_START) + 64
_NO_DIGEST = "0" * 64

_DTYPES = {
    "BOOL": np.dtype(np.bool_),
    "U8": np.dtype(np.uint8),
    "U16": np.dtype(np.uint16),
    "U32": np.dtype(np.uint32),
    "U64": np.dtype(np.uint64),
    "I8": np.dtype(np.int8),
    "I16": np.dtype(np.int16),
    "I32": np.dtype(np.int32),
    "I64": np.dtype(np.int64),
    "F8_E4M3": np.dtype(ml_dtypes.float8_e4m3fn),
    "F8_E5M2": np.dtype(ml_dtypes.float8_e5m2),
    "F16": np.dtype(np.float16),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F32": np.dtype(np.float32),
    "F64": np.dtype(np.float64),
}
_DTYPE_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_NOT_OURS = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What can be raised for JSON that is not as expected."""


class DamagedCheckpointError(ValueError):
    """A checkpoint's bytes are not those that were written."""


class Record(NamedTuple):
    """What a checkpoint says of itself, beside its arrays.

    Attributes:
        number: counts the checkpoints of a folder.
        step: the training step.
        best: whether no earlier one was as good.
        facts: anything that JSON can hold.
    """

    number: int
    step: int
    best: bool
    facts: dict[str, Any]


class _Place(NamedTuple):
    """Where the bytes of an array are, and what they mean."""

    dtype: np.dtype
    shape: tuple[int, ...]
    start: int
    end: int


class _Header(NamedTuple):
    record: Record
    places: dict[str, _Place]
    payload_sha256: str


def to_arrays(arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Checks that arrays can be written.

    Returns:
        The arrays, in the machine's byte order.

    Raises:
        ValueError: when a name is no string or is reserved, or a dtype has no place in
            the format: strings, objects and complex numbers have none.
    """
    checked = {}
    for name, array in arrays.items():
        if not isinstance(name, str) or name == _METADATA:
            raise ValueError(
                f"Names of arrays must be strings, and not {_METADATA!r}. "
                f"Received: {name!r}"
            )
        array = np.asarray(array)
        dtype = array.dtype.newbyteorder("=")
        if dtype not in _DTYPE_NAMES:
            raise ValueError(
                f"Arrays must be of one of {', '.join(map(str, _DTYPE_NAMES))}. "
                f"Received: {array.dtype} for {name!r}"
            )
        checked[name] = array.astype(dtype, copy=False)
    return checked


def num_bytes(record: Record, arrays: Mapping[str, np.ndarray]) -> int:
    """The size of the file that `write` would write."""
    payload = sum(array.nbytes for array in arrays.values())
    return len(_encode_header(record, arrays, _NO_DIGEST)) + payload


def write(path: pathlib.Path, record: Record, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes a checkpoint; all of it is on the disk at the end.

    Args:
        path: the file, which is overwritten.
        record: what the checkpoint says of itself.
        arrays: as `to_arrays` returns them.

    Raises:
        ValueError: when the facts are not what JSON can hold, or the header would be
            larger than the format allows.
        OSError: when the disk is full, or writing fails for another reason.
    """
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        # Without the checksum it is as long as with it.
        file.write(_encode_header(record, arrays, _NO_DIGEST))
        for array in arrays.values():
            for chunk in _chunks(np.asarray(array, order="C")):
                digest.update(chunk)
                file.write(chunk)
        file.seek(0)
        file.write(_encode_header(record, arrays, digest.hexdigest()))
        file.flush()
        os.fsync(file.fileno())


def _encode_header(
    record: Record, arrays: Mapping[str, np.ndarray], payload_sha256: str
) -> bytes:
    try:
        said = json.dumps({"format_version": _FORMAT_VERSION, **record._asdict()})
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"facts must be what JSON can hold, and are not: {error}. Turn NumPy's "
            "numbers into Python's by item(), and arrays by tolist()."
        ) from error
    metadata = {
        "header_sha256": _NO_DIGEST,
        "payload_sha256": payload_sha256,
        "record": said,
    }
    content = {_METADATA: metadata, **_encode_places(arrays)}
    header = json.dumps(content, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    if len(header) > _LARGEST_HEADER:
        raise ValueError(
            f"Facts and names of arrays must fit into {_LARGEST_HEADER} bytes. "
            f"Received: {len(header)} bytes"
        )
    digest = hashlib.sha256(header).hexdigest().encode()
    length = len(header).to_bytes(_LENGTH_BYTES, "little")
    return length + _START + digest + header[_END_OF_DIGEST:]


def _encode_places(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    places, start = {}, 0
    for name, array in arrays.items():
        end = start + array.nbytes
        dtype = _DTYPE_NAMES[array.dtype]
        places[name] = {
            "dtype": dtype,
            "shape": array.shape,
            "data_offsets": [start, end],
        }
        start = end
    return places


def _chunks(array: np.ndarray) -> Iterator[memoryview]:
    """The bytes of an array whose elements lie in order, as views of it."""
    view = array.reshape(-1).view(np.uint8).data
    for start in range(0, len(view), _CHUNK):
        yield view[start : start + _CHUNK]


def read_record(path: pathlib.Path) -> Record:
    """Reads what a checkpoint says of itself, without its arrays.

    Raises:
        DamagedCheckpointError: when the header or the file's size is not what was
            written.
        OSError: when the file cannot be read.
    """
    with open(path, "rb") as file:
        return _read_header(file).record


def read_arrays(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Reads the arrays of a checkpoint, using no more memory than the file's size.

    Raises:
        DamagedCheckpointError: when any byte of the file is not what was written.
        OSError: when the file cannot be read.
    """
    with open(path, "rb") as file:
        header = _read_header(file)
        digest = hashlib.sha256()
        arrays = {}
        for name, place in header.places.items():
            arrays[name] = array = _empty(name, place)
            for chunk in _chunks(array):
                if file.readinto(chunk) != len(chunk):
                    raise DamagedCheckpointError("it was truncated while being read")
                digest.update(chunk)
    if digest.hexdigest() != header.payload_sha256:
        raise DamagedCheckpointError("its arrays do not match their SHA-256 checksum")
    return arrays


def _empty(name: str, place: _Place) -> np.ndarray:
    try:
        return np.empty(place.shape, place.dtype)
    except (ValueError, OverflowError) as error:
        # It has no elements, but dimensions that no array can have.
        raise DamagedCheckpointError(f"array {name!r} cannot be: {error}") from error


def _read_header(file: BinaryIO) -> _Header:
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
    if size < _LENGTH_BYTES:
        raise DamagedCheckpointError(f"it is truncated, to {size} bytes")
    if length > min(_LARGEST_HEADER, size - _LENGTH_BYTES):
        raise DamagedCheckpointError(
            f"it is truncated, or its start is damaged: its header should have "
            f"{length} bytes, and the file has {size}"
        )
    text = file.read(length)
    digest = text[len(_START) : _END_OF_DIGEST]
    unsigned = _START + _NO_DIGEST.encode() + text[_END_OF_DIGEST:]
    if not text.startswith(_START) or digest != _sha256(unsigned):
        raise DamagedCheckpointError("its header does not match its SHA-256 checksum")
    header = _parse_header(text)
    payload = max((place.end for place in header.places.values()), default=0)
    expected = _LENGTH_BYTES + length + payload
    if size < expected:
        raise DamagedCheckpointError(f"it is truncated: {size} of {expected} bytes")
    if size > expected:
        raise DamagedCheckpointError(f"it must have {expected} bytes, and has {size}")
    return header


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def _parse_header(text: bytes) -> _Header:
    # The checksum says that these bytes were written so, but not by whom.
    try:
        content = json.loads(text)
        metadata = content.pop(_METADATA)
        said = json.loads(metadata["record"])
        version = said.pop("format_version")
        if version != _FORMAT_VERSION:
            raise ValueError(
                f"it has format version {version}, and {_FORMAT_VERSION} is known here"
            )
        places = {name: _parse_place(value) for name, value in content.items()}
        _check_gapless(places)
        return _Header(Record(**said), places, metadata["payload_sha256"])
    except _NOT_OURS as error:
        raise DamagedCheckpointError(f"its header cannot be read: {error}") from error


def _parse_place(value: Mapping[str, Any]) -> _Place:
    dtype = _DTYPES[value["dtype"]]
    shape, (start, end) = tuple(value["shape"]), value["data_offsets"]
    if any(type(number) is not int or number < 0 for number in (*shape, start, end)):
        raise ValueError("shapes and places must be integers of at least 0")
    if math.prod(shape) * dtype.itemsize != end - start:
        raise ValueError(f"{end - start} bytes are no {dtype} array of shape {shape}")
    return _Place(dtype, shape, start, end)


def _check_gapless(places: Mapping[str, _Place]) -> None:
    expected = 0
    for name, place in places.items():
        if place.start != expected:
            raise ValueError(f"array {name!r} must begin at byte {expected}")
        expected = place.end
