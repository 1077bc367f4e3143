"""Tests of the export program."""

import pathlib
import subprocess
import sys
import zipfile

import keras
import pytest
import tensorflow as tf

from keras_pixelcnn import GatedPixelCNN
from savedmodels.export import load_model

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    model = GatedPixelCNN((3, 2, 1), num_levels=4, filters=2, num_blocks=1)
    path = tmp_path_factory.mktemp("run") / "model.keras"
    model.save(path)
    return path


def _run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "savedmodels.export", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_it_exports_and_says_where(saved, tmp_path):
    output = tmp_path / "pixelcnn" / "1"
    result = _run(f"--model={saved}", f"--output={output}")
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"Saved model exported to {output}: sample, log_prob\n"
    served = tf.saved_model.load(output).signatures
    assert set(served) == {"sample", "log_prob", "serving_default"}
    seed = tf.constant([1, 2], tf.int64)
    images = served["sample"](seed=seed, temperature=tf.ones([2]))["image"]
    assert (images == keras.models.load_model(saved).sample(2, [1, 2])).numpy().all()


def _check_error(result, sentence):
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    (error,) = [line for line in result.stderr.splitlines() if "Error" in line]
    assert sentence in error


def test_a_missing_model(tmp_path):
    missing = tmp_path / "model.keras"
    result = _run(f"--model={missing}", f"--output={tmp_path / '1'}")
    _check_error(result, f"Error: {missing} must be a .keras file")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_output(saved, tmp_path):
    result = _run(f"--model={saved}", f"--output={tmp_path}")
    _check_error(result, f"Error: {tmp_path} exists already")
    assert list(tmp_path.iterdir()) == []


def test_an_incomplete_file_is_not_called_missing(saved, tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(saved.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"a \.keras file.*the beginning of one"):
        load_model(path)


def test_a_file_of_an_unknown_class(saved, tmp_path):
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"GatedPixelCNN", b"OtherCNN"))
    with pytest.raises(ValueError, match=r"cannot be loaded.*'OtherCNN'") as caught:
        load_model(path)
    assert "\n" not in str(caught.value)


def test_a_model_of_another_kind(tmp_path):
    path = tmp_path / "model.keras"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(path)
    with pytest.raises(ValueError, match=r"GatedPixelCNN\. Received: Sequential"):
        load_model(path)


def test_no_code_in_a_file_is_run(tmp_path):
    path = tmp_path / "model.keras"
    layers = [keras.Input((3,)), keras.layers.Lambda(lambda x: x)]
    keras.Sequential(layers).save(path)
    with pytest.raises(ValueError, match=r"cannot be loaded.*lambda"):
        load_model(path)
