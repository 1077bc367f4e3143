"""Tests of how an export is written, and of what it is asked to hold."""

import json

import pytest
import tensorflow as tf

from keras_pixelcnn import GatedPixelCNN


@pytest.fixture(scope="module")
def small():
    return GatedPixelCNN((2, 2, 1), num_levels=3, filters=2, num_blocks=1)


def test_an_existing_path_is_left_as_it_was(small, tmp_path):
    target = tmp_path / "1"
    target.mkdir()
    (target / "saved_model.pb").write_text("older")
    with pytest.raises(FileExistsError, match=r"exists already.*new version number"):
        small.export(target)
    assert [path.name for path in tmp_path.iterdir()] == ["1"]
    assert [path.name for path in target.iterdir()] == ["saved_model.pb"]
    assert (target / "saved_model.pb").read_text() == "older"


def test_an_interrupted_export_leaves_nothing(small, tmp_path, monkeypatch):
    def write_half(root, path, **options):
        tf.io.gfile.makedirs(tf.io.gfile.join(path, "variables"))
        raise OSError("No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", write_half)
    with pytest.raises(OSError, match="No space left"):
        small.export(tmp_path / "base" / "1", signatures=["log_prob"])
    assert list((tmp_path / "base").iterdir()) == []


def test_a_watching_server_sees_the_export_only_when_it_is_whole(
    small, tmp_path, monkeypatch, capfd
):
    seen = []
    save = tf.saved_model.save

    def save_and_look(root, path, **options):
        save(root, path, **options)
        seen.extend(path.name for path in tmp_path.iterdir())

    monkeypatch.setattr(tf.saved_model, "save", save_and_look)
    small.export(str(tmp_path / "1"), signatures=["log_prob"])
    assert len(seen) == 1
    assert seen[0].startswith(".")
    assert [path.name for path in tmp_path.iterdir()] == ["1"]
    assert (tmp_path / "1" / "saved_model.pb").is_file()
    said = capfd.readouterr().out
    assert said == f"Saved model exported to {tmp_path / '1'}: log_prob, metadata\n"


def test_chosen_signatures_and_the_first_as_default(small, tmp_path):
    small.export(tmp_path / "1", verbose=False, signatures=["complete", "log_prob"])
    served = tf.saved_model.load(tmp_path / "1").signatures
    assert set(served) == {"serving_default", "complete", "log_prob", "metadata"}
    assert set(served["serving_default"].structured_outputs) == {"image"}
    document = (tmp_path / "1" / "assets.extra" / "metadata.json").read_text()
    assert set(json.loads(document)["signatures"]) == {"complete", "log_prob"}


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"signatures": ["sample", "smaple"]}, r"some of \['sample'.*'smaple'\]"),
        ({"signatures": []}, r"signatures must be a list of some of"),
        ({"signatures": "sample"}, r"must be a list.*Received: 'sample'"),
        ({"signatures": ["classify"]}, r"some of .*Received: \['classify'\]"),
        ({"label_names": ["a"]}, r"as many as the model's classes, 0. Received: 1"),
        ({"label_names": "ab"}, r"must be a list of strings. Received: 'ab'"),
        ({"label_names": [1]}, r"must be a list of strings"),
        ({"bits_per_dim": -1}, r"bits_per_dim must be a finite number.*-1"),
        ({"bits_per_dim": float("nan")}, r"finite number.*nan"),
        ({"bits_per_dim": "1.7"}, r"finite number.*'1.7'"),
        ({"max_batch_size": 0}, r"max_batch_size must be an integer.*=0"),
        ({"format": "onnx"}, r'format must be "tf_saved_model".*onnx'),
    ],
)
def test_what_it_cannot_hold(small, tmp_path, options, rule):
    with pytest.raises(ValueError, match=rule):
        small.export(tmp_path / "1", **options)
    assert list(tmp_path.iterdir()) == []


def test_no_png_signatures_where_png_holds_no_such_images(tmp_path):
    model = GatedPixelCNN((2, 2, 2), num_levels=3, filters=4, num_blocks=1)
    there = r"some of \['sample', 'sample_from_noise', 'complete', 'log_prob'"
    with pytest.raises(ValueError, match=there):
        model.export(tmp_path / "1", signatures=["sample_png"])
