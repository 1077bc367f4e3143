"""Tests of beginning a run with the weights of another model."""

import numpy as np
import pytest

import keras_pixelcnn as kp
from tests.trainers.tiny_run import images_of, tiny_config, tiny_model
from trainers.image_models import training
from trainers.image_models.training import warm_start

SIZE = {"filters": 4, "num_blocks": 1, "first_kernel_size": 5}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    path = tmp_path_factory.mktemp("trained") / "model.keras"
    model = tiny_model(first_kernel_size=5)
    model.save(path)
    return model, path


def test_what_both_have_is_taken_over_and_the_rest_begins_anew(trained):
    model, path = trained
    by_class = kp.GatedPixelCNN((8, 8, 1), 17, num_classes=10, **SIZE)
    missing = warm_start(by_class, str(path))
    assert missing
    assert all("label" in name for name in missing)
    for weight in by_class.weights:
        if weight.path in missing:
            weight.assign(np.zeros(weight.shape))
    images = images_of("test")[:4]
    np.testing.assert_allclose(
        by_class.log_prob(images, label=3), model.log_prob(images), rtol=1e-5
    )


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [({**SIZE, "filters": 6}, "for a model where it is"), ({**SIZE}, "absent")],
)
def test_weights_that_do_not_fit_are_told_and_nothing_is_changed(
    trained, tmp_path, arguments, reason
):
    _, path = trained
    if reason == "absent":
        path = tmp_path / "larger.keras"
        tiny_model(first_kernel_size=5, num_classes=10).save(path)
    model = kp.GatedPixelCNN((8, 8, 1), 17, **arguments)
    before = model.get_weights()
    with pytest.raises(ValueError, match=reason):
        warm_start(model, str(path))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_levels_that_no_weight_shows(tmp_path):
    path = tmp_path / "mixture.keras"
    mixture = {"likelihood": "logistic_mixture"}
    tiny_model(num_levels=256, first_kernel_size=5, **mixture).save(path)
    model = kp.GatedPixelCNN((8, 8, 1), 17, **SIZE, **mixture)
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"17 levels.*Received: .* of 256 levels"):
        warm_start(model, str(path))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_run_begins_where_the_model_stood(trained, tmp_path, no_exports):
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
