"""What is said of files that hold no model, or half of one."""

import zipfile

import keras
import numpy as np
import pytest

import keras_pixelcnn as kp
from keras_pixelcnn.models import load_model


@pytest.fixture(scope="module")
def model():
    return kp.GatedPixelCNN((3, 2, 1), num_levels=4, filters=2, num_blocks=1)


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "model.keras"
    model.save(path)
    return path


@pytest.mark.op_by_op
def test_it_loads(saved, model):
    np.testing.assert_array_equal(load_model(saved).sample(3, 1), model.sample(3, 1))


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none.keras.*There is none"):
        load_model(tmp_path / "none.keras")


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
    match = r"cannot be loaded.*'OtherCNN'.*registered"
    with pytest.raises(ValueError, match=match) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)


def test_a_model_of_another_kind(tmp_path):
    path = tmp_path / "model.keras"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(path)
    match = r"AutoregressiveImageModel.*Received: Sequential"
    with pytest.raises(ValueError, match=match):
        load_model(path)
