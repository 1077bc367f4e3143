"""Tests of beginning a run with the weights of another model."""

import numpy as np
import pytest

import keras_pixelcnn as kp
from keras_pixelcnn import datasets
from tests.trainers.tiny_run import images_of, tiny_config, tiny_model
from trainers.image_models import training
from trainers.image_models.training import begin_with_frequencies, warm_start

pytestmark = pytest.mark.op_by_op

SIZE = {"filters": 4, "num_blocks": 1, "first_kernel_size": 5}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    path = tmp_path_factory.mktemp("trained") / "model.keras"
    model = tiny_model(first_kernel_size=5)
    model.save(path)
    return model, path


def test_what_both_have_is_taken_over_and_the_rest_begins_anew(trained, capsys):
    model, path = trained
    by_class = kp.GatedPixelCNN((8, 8, 1), 17, num_classes=10, **SIZE)
    transfer = warm_start(by_class, str(path))
    assert transfer.anew and not transfer.left
    assert all("label" in name for name in transfer.anew)
    assert "begin anew (conditioning/label)." in capsys.readouterr().out
    for weight in by_class.weights:
        if weight.path in transfer.anew:
            weight.assign(np.zeros(weight.shape))
    images = images_of("test")[:4]
    np.testing.assert_allclose(
        by_class.log_prob(images, label=3), model.log_prob(images), rtol=1e-5
    )


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({**SIZE, "filters": 6}, "must have its network"),
        ({**SIZE, "num_blocks": 2, "first_kernel_size": 3}, "here"),
        ({**SIZE, "filters": 6, "image_shape": (8, 8, 3)}, "convert the images"),
    ],
)
def test_weights_that_do_not_fit_are_told_and_nothing_is_changed(
    trained, arguments, reason
):
    _, path = trained
    arguments = {"image_shape": (8, 8, 1), "num_levels": 17} | arguments
    model = kp.GatedPixelCNN(**arguments)
    before = model.get_weights()
    with pytest.raises(ValueError, match=reason):
        warm_start(model, str(path))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_grey_becomes_colour_where_a_pixel_is_one(tmp_path):
    size = {**SIZE, "likelihood": "logistic_mixture"}
    grey = kp.GatedPixelCNN((8, 8, 1), 17, **size)
    grey.save(tmp_path / "grey.keras")
    color = kp.GatedPixelCNN((8, 8, 3), 17, **size)
    transfer = warm_start(color, str(tmp_path / "grey.keras"))
    assert any(path.startswith("head") for path in transfer.taken)
    assert any(path.startswith("parameters") for path in transfer.anew)


def test_the_decoder_of_an_autoencoder_begins_with_what_draws_by_itself(trained):
    model, path = trained
    autoencoder = kp.PixelCNNAutoencoder((8, 8, 1), 17, 3, 4, **SIZE)
    transfer = warm_start(autoencoder, str(path))
    assert not transfer.left
    assert transfer.anew
    assert all("condition" in path for path in transfer.anew)
    kernel = "block_0/vertical_conv/kernel"
    own = {weight.path: weight.numpy() for weight in autoencoder.decoder.weights}
    given = {weight.path: weight.numpy() for weight in model.weights}
    np.testing.assert_array_equal(own[kernel], given[kernel])


def test_a_run_begins_where_the_model_stood(trained, tmp_path, no_results):
    model, path = trained
    config = tiny_config(steps=1, initial_model=str(path), learning_rate=1e-9)
    metrics = training.train_and_evaluate(config, tmp_path / "run")
    model.compile()
    logs = model.evaluate(images_of("test"), return_dict=True, verbose=0)
    assert metrics["test_bits_per_dim"] == pytest.approx(logs["bits_per_dim"], rel=1e-4)


def test_a_model_that_is_not_there_is_told(tmp_path):
    config = tiny_config(initial_model="nothing")
    with pytest.raises(FileNotFoundError, match="nothing must be a"):
        training.train_and_evaluate(config, tmp_path / "run")
    assert not (tmp_path / "run" / "config.json").exists()


def test_levels_are_from_the_start_as_probable_as_in_images():
    model = kp.GatedPixelCNN((8, 8, 1), 17, **SIZE)
    for weight in model.weights:
        if "kernel" in weight.path:  # which would add noise
            weight.assign(np.zeros(weight.shape))
    begin_with_frequencies(model, datasets.load("digits", "train", shuffle=False))
    images = images_of("train")[:1000]
    share = (np.bincount(images.reshape(-1), minlength=17) + 1) / (images.size + 17)
    expected = np.log(share)[images].sum(axis=(1, 2, 3))
    np.testing.assert_allclose(model.log_prob(images), expected, rtol=1e-5)
    mixture = kp.GatedPixelCNN((8, 8, 1), 17, likelihood="logistic_mixture", **SIZE)
    before = mixture.get_weights()
    begin_with_frequencies(mixture, datasets.load("digits", "train", shuffle=False))
    for old, new in zip(before, mixture.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
