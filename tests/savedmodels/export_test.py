"""Tests of the export program."""

import pathlib
import subprocess
import sys

import keras
import pytest
import tensorflow as tf

from keras_pixelcnn import GatedPixelCNN

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
    (error,) = [
        line for line in result.stderr.splitlines() if line.startswith("error: ")
    ]
    assert sentence in error


def test_a_missing_model(tmp_path):
    missing = tmp_path / "model.keras"
    result = _run(f"--model={missing}", f"--output={tmp_path / '1'}")
    _check_error(result, f"error: {missing} must be a .keras file")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_output(saved, tmp_path):
    result = _run(f"--model={saved}", f"--output={tmp_path}")
    _check_error(result, f"error: {tmp_path} exists already")
    assert list(tmp_path.iterdir()) == []
