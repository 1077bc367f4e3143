"""Tests of publishing: what appears is whole and right, or nothing appears."""

import shutil
import sys

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.export.saved_model import METADATA_FILE
from keras_pixelcnn.files import read_json
from keras_pixelcnn.models import AutoregressiveImageModel
from savedmodels.publish import warmup
from savedmodels.publish.batching import Batching
from savedmodels.publish.graph_scan import read_signatures
from savedmodels.publish.publishing import publish
from savedmodels.publish.warmup import WARMUP_FILE, Request, read_requests
from tests.savedmodels.conftest import BATCHING
from tests.served import make_model, signature_names


@pytest.fixture(scope="module")
def model(published):
    return published[0]


@pytest.fixture(scope="module")
def version(published):
    return published[1]


@pytest.fixture(scope="module")
def grey():
    return make_model("grey")


@pytest.fixture(scope="module")
def small(grey, tmp_path_factory):
    """A version of two signatures, and no more rows than one."""
    names, batching = ["sample", "log_prob"], Batching(max_batch_size=1)
    base = tmp_path_factory.mktemp("small")
    return publish(grey, base, signatures=names, batching=batching, verbose=False)


@pytest.fixture
def exports_are_copies(small, monkeypatch):
    """An export of whatever model is the small one: the steps after it count."""

    def copy(self, filepath, **options):
        shutil.copytree(small, filepath)

    monkeypatch.setattr(AutoregressiveImageModel, "export", copy)


def check_nothing_appeared(base):
    assert [path for path in base.iterdir() if path.name != ".publishing.lock"] == []


def test_it_is_the_first_version_and_lies_alone(version):
    assert version.name == "1"
    names = sorted(path.name for path in version.parent.iterdir())
    assert names == [".publishing.lock", "1"]


def test_every_signature_has_requests_of_both_sizes(model, version):
    requests = read_requests(version / WARMUP_FILE)
    asked = {(request.signature, request.num_rows) for request in requests}
    names = {"serving_default", *signature_names(model)}
    assert set(read_signatures(version)) == names
    assert asked == {(name, rows) for name in names for rows in (1, 3)}
    assert len(requests) == len(asked)


def test_what_a_server_reads_beside_the_graph(version):
    assert (version / "batching_params.pbtxt").read_text() == BATCHING.to_text()
    metadata = read_json(version / METADATA_FILE)
    assert metadata["label_names"] == ["shirt", "shoe", "hat"]
    assert metadata["bits_per_dim"] == 1.5


def test_chosen_signatures_only(small):
    requests = read_requests(small / WARMUP_FILE)
    asked = {request.signature: set(request.inputs) for request in requests}
    assert set(asked) == {"serving_default", "metadata", "sample", "log_prob"}
    assert asked["serving_default"] == asked["sample"]


# What is refused.


def test_a_graph_that_no_stock_server_runs(model, tmp_path, monkeypatch):
    def export(self, filepath, **options):
        rows = tf.TensorSpec([None], tf.float32, name="x")
        sign = tf.function(lambda x: {"y": tf.reduce_sum(x)}, input_signature=[rows])
        tf.saved_model.save(tf.Module(), filepath, signatures={"custom": sign})

    monkeypatch.setattr(AutoregressiveImageModel, "export", export)
    match = r"output 'y' of the signature 'custom', of shape \(\)"
    with pytest.raises(ValueError, match=match):
        publish(model, tmp_path, batching=BATCHING)
    check_nothing_appeared(tmp_path)


def test_answers_of_another_model(exports_are_copies, tmp_path):
    other = make_model("grey")
    for weight in other.trainable_weights:
        weight.assign(-weight)
    with pytest.raises(
        ValueError, match=r"must be the Python model's\. Received: another"
    ):
        publish(other, tmp_path, batching=BATCHING)
    check_nothing_appeared(tmp_path)


def damage_a_byte(path, requests):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def write_a_cold_request(path, requests):
    cold = {"temperature": np.zeros(1, "float32")}
    (warm, *_) = (request for request in requests if request.signature == "sample")
    WRITE(path, [Request("sample", {**warm.inputs, **cold}), *requests], "pixelcnn")


def leave_out_an_input(path, requests):
    first = Request(requests[0].signature, {})
    WRITE(path, [first, *requests], "pixelcnn")


def ask_for_no_signature(path, requests):
    WRITE(path, [Request("samples", requests[0].inputs), *requests], "pixelcnn")


def leave_out_a_signature(path, requests):
    WRITE(path, [r for r in requests if r.signature != "log_prob"], "pixelcnn")


WRITE = warmup.write_requests


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_a_byte, "tf_serving_warmup_requests is damaged"),
        (
            write_a_cold_request,
            r"(?s)fails on the warm-up .*temperature must be finite",
        ),
        (leave_out_an_input, "fails on the warm-up request to 'log_prob' of 0 rows"),
        (ask_for_no_signature, "must name a signature of the export. Rec.*'samples'"),
        (leave_out_a_signature, "must have a warm-up request. Missing: log_prob"),
    ],
)
def test_requests_that_a_server_would_stumble_over(
    exports_are_copies, grey, tmp_path, monkeypatch, damage, message
):
    def write(path, requests, model_name):
        WRITE(path, requests, model_name)
        damage(path, requests)

    monkeypatch.setattr(warmup, "write_requests", write)
    with pytest.raises(ValueError, match=message):
        publish(grey, tmp_path, batching=BATCHING)
    check_nothing_appeared(tmp_path)


def test_without_the_protos_nothing_is_exported(model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    with pytest.raises(ModuleNotFoundError, match="pip install"):
        publish(model, tmp_path / "base")
    assert list(tmp_path.iterdir()) == []


def test_within_the_scope_of_a_strategy(model, tmp_path):
    with tf.distribute.OneDeviceStrategy("/cpu:0").scope():
        with pytest.raises(RuntimeError, match=r"outside of strategy.scope\(\)"):
            publish(model, tmp_path)
    assert list(tmp_path.iterdir()) == []
