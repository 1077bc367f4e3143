"""Tests of the program that checks pictures against their captions."""

import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.datasets import captions
from tests.trainers.tiny_run import call, tiny_model
from trainers import caption_accuracy as program
from trainers.configs import captions as config
from trainers.runs import model_classes
from trainers.runs.config import check_config
from trainers.scoring.caption_accuracy import measure

pytestmark = pytest.mark.op_by_op

CAPTIONS = {"vocabulary": captions.vocabulary(), "caption_length": 16}


@pytest.fixture(scope="module")
def model():
    return tiny_model(captions.IMAGE_SHAPE, 2, **CAPTIONS)


def test_the_config_makes_the_model_that_was_measured():
    fields = config.get_config().to_dict()
    check_config(fields)
    measured = kp.GatedPixelCNN(
        captions.IMAGE_SHAPE,
        captions.NUM_LEVELS,
        filters=72,
        num_blocks=10,
        kernel_size=5,
        first_kernel_size=7,
        dropout_rate=0.1,
        condition_dropout=0.1,
        positions=True,
        **CAPTIONS,
    )
    arguments = model_classes.arguments_for(fields, captions.IMAGE_SHAPE)
    made = kp.GatedPixelCNN(captions.IMAGE_SHAPE, fields["num_levels"], **arguments)
    assert made.get_config() | {"name": None} == measured.get_config() | {"name": None}


def test_right_pictures_are_right_and_others_are_not(model, monkeypatch):
    images, scenes = captions.make_examples("test", 6)
    images[-1] = 0
    asked = []

    def sample(count, seed, caption):
        rows = slice(len(asked), len(asked) + count)
        asked.extend(caption)
        return tf.constant(images[rows])

    monkeypatch.setattr(model, "sample", sample)
    found = measure(model, 6, batch_size=4)
    assert found[:3] == (pytest.approx(5 / 6),) * 3 and len(found.images) == 6
    assert asked == found.captions == [scene.caption for scene in scenes]


def test_the_program_prints_and_draws(model, tmp_path, capsys):
    model.save(tmp_path / "model.keras")
    picture = tmp_path / "pictures.png"
    call(
        program,
        f"--model={tmp_path / 'model.keras'}",
        "--num_samples=2",
        f"--output={picture}",
    )
    assert "right colours and shapes  0.0000" in capsys.readouterr().out
    assert picture.exists()


def test_other_models_are_refused():
    with pytest.raises(ValueError, match=r"trained on dataset=captions.*'label'"):
        measure(tiny_model(captions.IMAGE_SHAPE, 2, num_classes=3), 1)
    with pytest.raises(ValueError, match="trained on dataset=captions"):
        measure(tiny_model(**CAPTIONS), 1)
