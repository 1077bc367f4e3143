"""One checkpoint in one safetensors file, with SHA-256 checksums in its metadata.

Other tools can look into a checkpoint, and no Python object is ever stored. The
metadata hold the record and two checksums: of the record, which is read alone, and of
all names, dtypes, shapes and bytes of the arrays.
"""

import contextlib
import errno
import hashlib
import json
import os
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

_FORMAT_VERSION = 2
_DTYPES = {
    *map(np.dtype, "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64".split()),
    *map(np.dtype, ("float16", "float32", "float64", ml_dtypes.bfloat16)),
}
_UNREADABLE = (SafetensorError, ValueError, LookupError, TypeError, AttributeError)
"""What is raised for a file that is not as it was written."""

_SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)")


class DamagedCheckpointError(ValueError):
    """Raised when a checkpoint's content is not what was written."""


class Record(NamedTuple):
    """The facts of a checkpoint beside its arrays.

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


def to_arrays(arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Checks that arrays can be written.

    Returns:
        The arrays, contiguous and in the machine's byte order.

    Raises:
        ValueError: when a name is no string or is reserved, or a dtype is none of
            booleans, integers, and floats of 16 to 64 bits, bfloat16 included.
    """
    checked = {}
    for name, array in arrays.items():
        if not isinstance(name, str) or name == "__metadata__":
            raise ValueError(
                "Names of arrays must be strings, and not '__metadata__'. "
                f"Received: {name!r}"
            )
        array = np.asarray(array)
        dtype = array.dtype.newbyteorder("=")
        if dtype not in _DTYPES:
            raise ValueError(
                f"Arrays must be of one of {', '.join(sorted(map(str, _DTYPES)))}. "
                f"Received: {array.dtype} for {name!r}"
            )
        checked[name] = np.asarray(array, dtype, order="C")
    return checked


def write(path: pathlib.Path, record: Record, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes a checkpoint; all of it is on the disk at the end.

    Args:
        path: the file, which is overwritten.
        record: what the checkpoint says of itself.
        arrays: as `to_arrays` returns them.

    Raises:
        ValueError: when the facts are not what JSON can hold.
        OSError: when the disk is full, or writing fails for another reason.
    """
    try:
        said = json.dumps({"format_version": _FORMAT_VERSION, **record._asdict()})
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"facts must be what JSON can hold, and are not: {error}. Turn NumPy's "
            "numbers into Python's by item(), and arrays by tolist()."
        ) from error
    metadata = {
        "record": said,
        "record_sha256": hashlib.sha256(said.encode()).hexdigest(),
        "arrays_sha256": _digest(arrays),
    }
    try:
        save_file(dict(arrays), path, metadata)
    except SafetensorError as error:
        number = _SYSTEM_ERROR.search(str(error))
        code = int(number[1]) if number else errno.EIO
        raise OSError(code, os.strerror(code), str(path)) from error
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(json.dumps([name, str(array.dtype), array.shape]).encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def read_record(path: pathlib.Path) -> Record:
    """Reads what a checkpoint says of itself, without its arrays.

    Raises:
        DamagedCheckpointError: when the record is not what was written, or the file
            has another size.
        OSError: when the file cannot be read.
    """
    with _opened(path) as file:
        return _parse_record(path, file.metadata())


def read_arrays(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Reads the arrays of a checkpoint, in the order of their names.

    Raises:
        DamagedCheckpointError: when anything of them is not what was written.
        OSError: when the file cannot be read.
    """
    with _opened(path) as file:
        metadata = file.metadata()
        _parse_record(path, metadata)
        arrays = {name: file.get_tensor(name) for name in sorted(file.keys())}
        if "payload_sha256" in metadata:  # version 1
            found, expected = _payload_digest(path), metadata["payload_sha256"]
        else:
            found, expected = _digest(arrays), metadata["arrays_sha256"]
    if found != expected:
        raise DamagedCheckpointError("its arrays do not match their SHA-256 checksum")
    return arrays


@contextlib.contextmanager
def _opened(path: pathlib.Path) -> Iterator[Any]:
    with open(path, "rb"):  # what cannot be read is the system's error, not damage
        pass
    try:
        with safe_open(path, framework="np") as file:
            yield file
    except DamagedCheckpointError:
        raise
    except _UNREADABLE as error:
        raise DamagedCheckpointError(f"it cannot be read: {error}") from error


def _parse_record(path: pathlib.Path, metadata: Mapping[str, str]) -> Record:
    said = metadata["record"]
    if "header_sha256" in metadata:
        _check_header(path)
    elif metadata["record_sha256"] != hashlib.sha256(said.encode()).hexdigest():
        raise DamagedCheckpointError("its record does not match its SHA-256 checksum")
    fields = json.loads(said)
    version = fields.pop("format_version")
    if version not in (1, _FORMAT_VERSION):
        raise DamagedCheckpointError(
            f"it has format version {version}, and 1 and {_FORMAT_VERSION} are known "
            "here: a later version of keras_pixelcnn wrote it"
        )
    return Record(**fields)


# Version 1: a checksum over the header, at a fixed place in it, and one over the rest.

_START = b'{"__metadata__":{"header_sha256":"'


def _check_header(path: pathlib.Path) -> None:
    with open(path, "rb") as file:
        header = file.read(int.from_bytes(file.read(8), "little"))
    end = len(_START) + 64
    digest = hashlib.sha256(_START + b"0" * 64 + header[end:]).hexdigest()
    if header[:end] != _START + digest.encode():
        raise DamagedCheckpointError("its header does not match its SHA-256 checksum")


def _payload_digest(path: pathlib.Path) -> str:
    with open(path, "rb") as file:
        file.seek(int.from_bytes(file.read(8), "little") + 8)
        return hashlib.file_digest(file, "sha256").hexdigest()
