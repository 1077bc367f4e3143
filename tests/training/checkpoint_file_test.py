"""Tests of the file of one checkpoint: what it takes, and what it refuses to read."""

import hashlib
import json
import re
import tracemalloc

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

from keras_pixelcnn.training import checkpoint_file
from keras_pixelcnn.training.checkpoint_file import DamagedCheckpointError, Record

RECORD = Record(number=1, step=20, best=False, facts={"epoch": 2})
DTYPES = [
    *"bool uint8 uint16 uint32 uint64 int8 int16 int32 int64".split(),
    *"float16 float32 float64 bfloat16".split(),
]
VECTOR = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}


def write(path, arrays, record=RECORD):
    checkpoint_file.write(path, record, checkpoint_file.to_arrays(arrays))


def bits(array):
    return array.dtype, array.shape, array.tobytes()


def forge(path, places, record=None, payload=bytes(16)):
    """Writes a file of version 1 with right checksums, whatever its header says."""
    record = {"format_version": 1, **RECORD._asdict(), **(record or {})}
    digest = hashlib.sha256(payload).hexdigest()
    metadata = {"header_sha256": "0" * 64, "payload_sha256": digest}
    content = {"__metadata__": {**metadata, "record": json.dumps(record)}, **places}
    header = json.dumps(content, separators=(",", ":")).encode()
    signature = hashlib.sha256(header).hexdigest().encode()
    header = header.replace(b"0" * 64, signature, 1)
    path.write_bytes(len(header).to_bytes(8, "little") + header + payload)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (5,), (2, 3, 4)])
def test_every_dtype_and_shape_comes_back_bit_for_bit(tmp_path, dtype, shape):
    generator = np.random.default_rng(0)
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    count = int(np.prod(shape)) * kind.itemsize
    content = generator.integers(0, 2 if dtype == "bool" else 256, count, np.uint8)
    array = content.view(kind).reshape(shape)
    write(tmp_path / "file", {"a": array})
    (read,) = checkpoint_file.read_arrays(tmp_path / "file").values()
    assert bits(read) == bits(array)
    assert read.flags.writeable and read.flags.aligned


def test_names_order_and_layout_of_arrays_do_not_matter(tmp_path):
    base = np.arange(24.0).reshape(4, 6)
    arrays = {
        "layers/0/kernel:0": base.T,
        "sliced": base[::2, 1::3],
        "": base.astype(">f8"),
        'größe \n "quoted" \\ \'': np.asfortranarray(base),
        "../../etc": np.float32(3),
    }
    write(tmp_path / "file", arrays)
    read = checkpoint_file.read_arrays(tmp_path / "file")
    assert list(read) == sorted(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype.isnative


def test_the_record_comes_back(tmp_path):
    facts = {"best": float("inf"), "state": 2**127 + 1, "names": ["ä", None, True]}
    record = Record(12, 2**40, True, facts)
    write(tmp_path / "file", {"a": np.arange(7)}, record)
    assert checkpoint_file.read_record(tmp_path / "file") == record


def test_a_checkpoint_may_have_no_arrays(tmp_path):
    write(tmp_path / "file", {})
    assert checkpoint_file.read_arrays(tmp_path / "file") == {}


def test_other_tools_read_the_format(tmp_path):
    write(tmp_path / "file", {"a/b": np.float32([1, 2]), "c": np.int64(3)})
    read = safetensors.numpy.load_file(tmp_path / "file")
    assert {name: value.tolist() for name, value in read.items()} == {
        "a/b": [1, 2],
        "c": 3,
    }


@pytest.mark.parametrize(
    "arrays, words",
    [
        ({"a": np.array(["text"])}, "<U4 for 'a'"),
        ({"a": np.array([None])}, "object for 'a'"),
        ({"a": np.zeros(2, complex)}, "complex128 for 'a'"),
        ({"a": np.zeros(2, ml_dtypes.float8_e5m2)}, "float8_e5m2 for 'a'"),
        ({"a": np.zeros(2, [("x", int)])}, "for 'a'"),
        ({"__metadata__": np.zeros(2)}, "Received: '__metadata__'"),
        ({3: np.zeros(2)}, "Received: 3"),
    ],
)
def test_what_the_format_cannot_hold_is_refused(arrays, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        checkpoint_file.to_arrays(arrays)


@pytest.mark.parametrize("version", [1, 2])
def test_damage_of_any_byte_is_told_or_changes_nothing(tmp_path, version):
    path = tmp_path / "file"
    if version == 1:
        forge(path, {"a": {**VECTOR, "dtype": "U32"}})
    else:
        write(path, {"a": np.arange(3, dtype=np.uint32), "b/c": np.zeros((), bool)})
    whole = path.read_bytes()
    expected, harmless = read_all(path), 0
    for place in range(len(whole)):
        before, after = whole[:place], whole[place + 1 :]
        damaged = [before + bytes([whole[place] ^ (1 << place % 8)]) + after]
        if place % 9 == 0:
            damaged += [before, before + after, before + b" " + whole[place:]]
        for content in damaged:
            path.write_bytes(content)
            try:
                assert read_all(path) == expected
                harmless += 1
            except DamagedCheckpointError:
                pass
    # Only the spaces that fill the header up have no meaning.
    assert harmless <= 8


def read_all(path):
    arrays = checkpoint_file.read_arrays(path)
    found = {name: bits(array) for name, array in arrays.items()}
    return checkpoint_file.read_record(path), found


def test_a_file_of_version_1_is_read(tmp_path):
    forge(tmp_path / "file", {"a": VECTOR})
    assert checkpoint_file.read_record(tmp_path / "file") == RECORD
    assert list(checkpoint_file.read_arrays(tmp_path / "file")["a"]) == [0] * 4


@pytest.mark.parametrize(
    "places",
    [
        {"a": {**VECTOR, "shape": [2**40]}},
        {"a": {**VECTOR, "shape": [2**40], "data_offsets": [0, 2**42]}},
        {"a": {**VECTOR, "shape": [2**62, 4]}},
        {"a": {**VECTOR, "shape": [-4, -1]}},
        {"a": {**VECTOR, "shape": [4.0]}},
        {"a": {**VECTOR, "shape": 4}},
        {"a": {**VECTOR, "shape": [0, 10**30], "data_offsets": [0, 0]}},
        {"a": {**VECTOR, "shape": [0] * 100, "data_offsets": [0, 0]}},
        {"a": {**VECTOR, "dtype": "O"}},
        {"a": {**VECTOR, "dtype": ["F32"]}},
        {"a": {**VECTOR, "data_offsets": [-16, 0]}},
        {"a": {**VECTOR, "data_offsets": [16, 32]}},
        {"a": {"dtype": "F32"}},
        {"a": VECTOR, "b": VECTOR},
        {"a": None},
        {},
    ],
)
def test_headers_that_lie_are_refused_before_memory_is_taken(tmp_path, places):
    forge(tmp_path / "file", places, payload=bytes(16))
    tracemalloc.start()
    try:
        with pytest.raises(DamagedCheckpointError):
            checkpoint_file.read_arrays(tmp_path / "file")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_later_format_is_named(tmp_path):
    forge(tmp_path / "file", {"a": VECTOR}, record={"format_version": 3})
    with pytest.raises(DamagedCheckpointError, match="version 3, and 1 and 2 are"):
        checkpoint_file.read_record(tmp_path / "file")


def test_a_forged_record_with_other_fields_is_refused(tmp_path):
    forge(tmp_path / "file", {"a": VECTOR}, record={"more": 1})
    with pytest.raises(DamagedCheckpointError, match="cannot be read"):
        checkpoint_file.read_record(tmp_path / "file")
