"""Tests of warm-up requests: which there are, and the file they travel in."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from savedmodels.publish import warmup
from savedmodels.publish.warmup import (
    Request,
    example_requests,
    read_requests,
    write_requests,
)

METADATA = {
    "image_shape": [4, 2, 3],
    "num_levels": 5,
    "conditions": {"label": {"num_classes": 3}},
    "conditions_optional": True,
}

INPUTS = {
    "seed": ([], tf.int64),
    "temperature": ([], tf.float32),
    "noise": ([4, 2, 3], tf.float32),
    "image": ([4, 2, 3], tf.int32),
    "mask": ([4, 2], tf.bool),
    "image_bytes": ([], tf.string),
    "mask_bytes": ([], tf.string),
    "label": ([], tf.int32),
    "embedding": ([1], tf.float32),
    "embedding_a": ([1], tf.float32),
    "embedding_b": ([1], tf.float32),
    "spatial": ([2, 1, 2], tf.float32),
    "has_condition": ([], tf.int32),
    "position": ([], tf.float32),
    "spherical": ([], tf.bool),
    "row": ([], tf.int32),
}


def save(folder, inputs):
    """A SavedModel whose one signature has such inputs."""
    specs = [
        tf.TensorSpec([None, *shape], dtype, name)
        for name, (shape, dtype) in inputs.items()
    ]
    signature = tf.function(
        lambda *values: {"rows": tf.range(tf.shape(values[0])[0])},
        input_signature=specs,
    )
    tf.saved_model.save(tf.Module(), folder, signatures={"sign": signature})
    return folder


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    return save(tmp_path_factory.mktemp("export"), INPUTS)


@pytest.mark.parametrize("levels", [2, 5, 256, 300])
@pytest.mark.parametrize("rows", [1, 7])
def test_examples_hold_valid_values(export, rows, levels):
    metadata = {**METADATA, "num_levels": levels}
    (request,) = example_requests(export, metadata, [rows])
    given = request.inputs
    assert (request.signature, request.num_rows) == ("sign", rows)
    for name, (shape, dtype) in INPUTS.items():
        assert given[name].shape == (rows, *shape), name
        assert given[name].dtype == dtype.as_numpy_dtype, name
    assert len(np.unique(given["seed"])) == rows
    assert (given["temperature"] > 0).all()
    assert (given["noise"] >= 0).all() and (given["noise"] < 1).all()
    assert (given["image"] >= 0).all() and (given["image"] < levels).all()
    assert (given["position"] >= 0).all() and (given["position"] <= 1).all()
    # Vectors that point the same way have an arc between them in any dimension.
    assert (given["embedding_a"] * given["embedding_b"] > 0).all()
    assert (given["label"] >= -1).all() and (given["label"] < 3).all()
    assert set(given["has_condition"]) <= {0, 1} and given["has_condition"][0] == 1
    if rows > 1:
        assert given["mask"].any() and not given["mask"].all()
        assert set(given["label"]) == {-1, 0, 1, 2}
        assert len(set(given["spherical"])) == 2


def test_labels_that_a_model_needs_are_given(export):
    metadata = {**METADATA, "conditions_optional": False}
    (request,) = example_requests(export, metadata, [7])
    assert set(request.inputs["label"]) == {0, 1, 2}


def test_examples_are_always_the_same(export, tmp_path):
    for name in ("first", "second"):
        requests = example_requests(export, METADATA, [1, 3])
        assert [request.num_rows for request in requests] == [1, 3]
        write_requests(tmp_path / name, requests, "pixelcnn")
    first = (tmp_path / "first").read_bytes()
    assert first == (tmp_path / "second").read_bytes()


def test_an_input_without_examples_is_refused(tmp_path):
    folder = save(tmp_path, {"altitude": ([], tf.float32)})
    with pytest.raises(ValueError, match="Received: 'altitude'"):
        example_requests(folder, METADATA, [1])


# The file.


@pytest.fixture
def file(export, tmp_path):
    path = tmp_path / "requests"
    write_requests(path, example_requests(export, METADATA, [1, 3]), "pixelcnn")
    return path


def test_what_is_written_is_read(export, file):
    requests = example_requests(export, METADATA, [1, 3])
    found = read_requests(file)
    assert len(found) == 2
    for ours, theirs in zip(requests, found):
        assert ours.signature == theirs.signature
        assert set(ours.inputs) == set(theirs.inputs)
        for name, values in ours.inputs.items():
            np.testing.assert_array_equal(values, theirs.inputs[name])
            assert values.dtype == theirs.inputs[name].dtype


@pytest.mark.parametrize("damage", ["a byte", "the end", "the last record's half"])
def test_a_damaged_file(file, damage):
    content = bytearray(file.read_bytes())
    if damage == "a byte":
        content[100] ^= 1
    else:
        del content[-1 if damage == "the end" else -300 :]
    file.write_bytes(content)
    with pytest.raises(ValueError, match="requests is damaged"):
        read_requests(file)


def _write(path, *records):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)


def _log(**kind):
    return warmup.serving_protos().PredictionLog(**kind).SerializeToString()


def test_records_that_are_no_requests(tmp_path):
    path = tmp_path / "requests"
    _write(path, _log(predict_log={}), b"\xff\xff")
    with pytest.raises(ValueError, match="cannot read record 1 of"):
        read_requests(path)
    for log, kind in ((_log(), "None"), (_log(classify_log={}), "classify_log")):
        _write(path, log)
        with pytest.raises(ValueError, match=f"record 0 of .*, a log of kind {kind}"):
            read_requests(path)


def test_a_tensor_that_lies_about_its_shape(tmp_path):
    log = warmup.serving_protos().PredictionLog()
    tensor = tf.make_tensor_proto(np.arange(6))
    tensor.tensor_shape.dim[0].size = 5
    log.predict_log.request.inputs["row"].CopyFrom(tensor)
    _write(tmp_path / "requests", log.SerializeToString())
    with pytest.raises(ValueError, match="cannot read record 0"):
        read_requests(tmp_path / "requests")


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="must hold warm-up requests"):
        read_requests(tmp_path / "requests")


def test_no_more_requests_than_a_server_takes(tmp_path):
    requests = [Request("sign", {"row": np.zeros(1, "int32")})] * 1_001
    with pytest.raises(ValueError, match="at most 1000 warm-up requests"):
        write_requests(tmp_path / "requests", requests, "pixelcnn")
    assert list(tmp_path.iterdir()) == []


def test_without_the_protos_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    with pytest.raises(
        ModuleNotFoundError, match=r'pip install "keras-pixelcnn\[serving'
    ):
        write_requests(tmp_path / "requests", [], "pixelcnn")
