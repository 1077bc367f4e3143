"""What is said of files that hold no model, or half of one."""

import io
import zipfile

import h5py
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


SMALL = {"num_levels": 3, "filters": 2}
PLACES = {
    "GatedPixelCNN": (
        {"num_blocks": 1, "num_classes": 2},
        {"gate_conditioning", "gated_pixel_cnn_block"},
        2,
    ),
    "PixelCNN": (
        {"num_blocks": 1, "num_classes": 2},
        {"gate_conditioning", "masked_conv2d", "pixel_cnn_block"},
        3,
    ),
    "PixelRNN": ({"num_blocks": 1}, {"masked_conv2d", "pixel_rnn_block"}, 3),
    "PixelCNNPlusPlus": (
        {"num_blocks": 1, "num_resolutions": 1},
        {
            *("gated_residual_block", "gated_residual_block_1"),
            *("gated_residual_block_2", "gated_residual_block_3"),
            *("shifted_conv2d", "shifted_conv2d_1", "shifted_conv2d_2"),
        },
        1,
    ),
}


@pytest.mark.parametrize("name", PLACES)
def test_weights_lie_where_files_of_before_have_them(name, tmp_path):
    """A model wired in another order could not read these, or would mix them up."""
    arguments, places, products = PLACES[name]
    path = tmp_path / "model.keras"
    getattr(kp, name)((2, 2, 1), **SMALL, **arguments).save(path)
    with zipfile.ZipFile(path) as archive:
        weights = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
    found = set()
    weights.visit(found.add)
    found = {place.split("/")[1] for place in found if "/vars/" in place}
    heads = ["masked_product", *(f"masked_product_{i}" for i in range(1, products))]
    assert found == {*places, *heads}
    last = weights[f"layers/{heads[-1]}/vars/1"]
    assert last.shape == (30 if name == "PixelCNNPlusPlus" else 3,)
