"""Tests of the loader on a model: without Python it gives what Python gives."""

import json

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn import GatedPixelCNN, bits_per_dim
from savedmodels.loader.process import run_loader
from tests.test_case import randomize

SEEDS = [1, -(2**63), 2**63 - 1]
TEMPERATURES = np.float32([1, 0.5, 2])


@pytest.fixture(scope="module")
def model():
    """A model of all conditions, and of more levels than a byte has."""
    model = GatedPixelCNN(
        image_shape=(4, 2, 1),
        num_levels=300,
        num_classes=3,
        embedding_dim=2,
        spatial_shape=(2, 1, 3),
        filters=6,
        num_blocks=1,
    )
    randomize(model)
    return model


@pytest.fixture(scope="module")
def export(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "1"
    model.export(path, verbose=False)
    return path


@pytest.fixture(scope="module")
def conditions():
    generator = np.random.default_rng(3)
    return {
        "label": np.array([2, 0, 2], "int32"),
        "embedding": generator.normal(size=(3, 2)).astype("float32"),
        "spatial": generator.normal(size=(3, 2, 1, 3)).astype("float32"),
    }


@pytest.fixture(scope="module")
def drawn(model, conditions):
    """What Python draws."""
    return model.sample(3, SEEDS, TEMPERATURES, **conditions).numpy()


@pytest.fixture(scope="module")
def answers(loader, export, conditions, drawn):
    """What the loader gives, by signature."""
    draw = {"seed": SEEDS, "temperature": TEMPERATURES, **conditions}
    requests = {
        "sample": draw,
        "serving_default": draw,
        "sample_png": draw,
        "log_prob": {"image": drawn, **conditions},
        "metadata": {"row": [0, 1]},
    }
    return dict(zip(requests, run_loader(loader, export, requests.items())))


@pytest.mark.parametrize("signature", ["sample", "serving_default"])
def test_images_are_those_that_python_draws(answers, drawn, signature):
    image = answers[signature]["image"]
    assert image.dtype == drawn.dtype == "int32"
    assert len(np.unique(image)) > 3
    np.testing.assert_array_equal(image, drawn)


def test_png_files_hold_the_same_images(answers, drawn):
    files = answers["sample_png"]["image_bytes"]
    assert files.shape == (3,)
    for file, image in zip(files, drawn):
        decoded = tf.io.decode_png(file, dtype=tf.uint16).numpy()
        np.testing.assert_array_equal(np.rint(decoded / 65535 * 299), image)


def test_scores_are_those_that_python_computes(model, answers, conditions, drawn):
    nats = model.log_prob(drawn, **conditions)
    scores = answers["log_prob"]
    assert set(scores) == {"log_prob", "bits_per_dim"}
    np.testing.assert_allclose(scores["log_prob"], nats, atol=1e-4)
    bits = bits_per_dim(nats, model.num_dims)
    np.testing.assert_allclose(scores["bits_per_dim"], bits, atol=1e-4)


def test_metadata_is_a_text(answers):
    first, second = answers["metadata"]["metadata"]
    assert first == second
    assert json.loads(first)["num_levels"] == 300


def test_the_models_own_sentences(loader, export, conditions):
    given = {"seed": SEEDS, "temperature": TEMPERATURES, **conditions}
    requests = [("sample", {**given, "label": [2, 3, 1]})]
    requests += [("sample", {**given, "temperature": TEMPERATURES * np.nan})]
    with pytest.raises(ChildProcessError, match="exit code 1") as caught:
        run_loader(loader, export, requests)
    said = str(caught.value)
    rule = "assertion failed: [label must hold integers in [0, 3).] [Received:] [3]"
    assert f"loader: request 1, sample: {rule}" in said
    rule = "assertion failed: [temperature must be finite numbers above 0.] [Received:]"
    assert f"loader: request 2, sample: {rule} [nan]" in said
