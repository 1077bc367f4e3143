"""Tests of the models that a config can name."""

import pytest

import keras_pixelcnn as kp
from tests.trainers.tiny_run import tiny_config
from trainers.configs import digits
from trainers.planning import planning
from trainers.planning.training_memory import describe
from trainers.runs import model_classes, run_folder
from trainers.runs.config import check_config

TINY = {"filters": 4, "num_blocks": 1}


@pytest.mark.parametrize("name", model_classes.NAMES)
def test_every_name_is_a_public_model(name):
    assert issubclass(model_classes.find(name), kp.AutoregressiveImageModel)
    assert name in kp.__all__


@pytest.mark.parametrize("name", ["Gated", "AutoregressiveImageModel", None, 3])
def test_an_unknown_class_is_told(name):
    config = {**digits.get_config().to_dict(), "model_class": name}
    with pytest.raises(ValueError, match=r"model_class must be one of .*Received: "):
        check_config(config)


def test_a_model_is_counted_without_making_it():
    counted = model_classes.count_parameters("GatedPixelCNN", (8, 8, 1), 17, **TINY)
    model = model_classes.find("GatedPixelCNN")((8, 8, 1), 17, **TINY)
    assert type(model) is kp.GatedPixelCNN
    assert counted == model.count_params()


# Configs and runs of before there were several classes.


def test_a_config_that_names_no_class_is_one_of_the_gated_pixelcnn():
    named = tiny_config().to_dict()
    config = {name: value for name, value in named.items() if name != "model_class"}
    check_config(config)
    assert model_classes.name_of(config) == "GatedPixelCNN"
    assert planning.make_plan(config) == planning.make_plan(named)


def test_an_older_run_is_still_one_of_its_config(tmp_path):
    config = tiny_config().to_dict()
    older = {name: value for name, value in config.items() if name != "model_class"}
    folder = run_folder.RunFolder(tmp_path)
    folder.claim(older)
    folder.check(config)
    folder.check(older)
    with pytest.raises(ValueError, match="model_class is 'GatedPixelCNN' there"):
        folder.check({**config, "model_class": "PixelCNN"})


# Plans.


def test_what_trains_by_a_loop_is_not_planned(monkeypatch):
    import tensorflow as tf

    call = kp.GatedPixelCNN.call

    def looping(self, inputs, **options):
        parameters = call(self, inputs, **options)
        count = tf.constant(3) + tf.cast(parameters[0, 0, 0, 0, 0], tf.int32)
        return tf.while_loop(
            lambda i, _: i < count, lambda i, p: (i + 1, p * 2), (0, parameters)
        )[1]

    monkeypatch.setattr(kp.GatedPixelCNN, "call", looping)
    with pytest.raises(ValueError, match="Received: GatedPixelCNN, which trains by a"):
        describe((4, 4, 1), 4, **TINY)


def test_what_does_not_count_its_arithmetic_is_not_planned(monkeypatch):
    monkeypatch.delattr(kp.layers.GatedPixelCNNBlock, "multiply_adds")
    with pytest.raises(ValueError, match="arithmetic cannot be told: GatedPixelCNN"):
        describe((4, 4, 1), 4, **TINY)
