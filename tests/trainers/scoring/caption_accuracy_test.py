"""Tests of the program that checks pictures against their captions."""

import pytest
import tensorflow as tf

from keras_pixelcnn.datasets import captions
from tests.trainers.tiny_run import call, tiny_model
from trainers import caption_accuracy as program
from trainers.scoring.caption_accuracy import measure

pytestmark = pytest.mark.op_by_op

CAPTIONS = {"vocabulary": captions.vocabulary(), "caption_length": 16}


@pytest.fixture(scope="module")
def model():
    return tiny_model(captions.IMAGE_SHAPE, 2, **CAPTIONS)


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
