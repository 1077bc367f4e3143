"""Tests of the accuracy of a classifier on samples."""

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn import datasets
from tests.trainers.tiny_run import call, images_of, labels_of, tiny_model
from trainers import sample_accuracy
from trainers.runs.data import LabelledImages
from trainers.scoring import classifier_accuracy

pytestmark = pytest.mark.op_by_op


@pytest.fixture
def model():
    return tiny_model(num_classes=10, condition_dropout=0.1)


def examples(split):
    return datasets.load("digits", split, shuffle=False)


def run(model, num_samples=20, **options):
    options = {"max_train": 500, **options}
    return classifier_accuracy.measure(
        model, examples("train"), examples("test"), num_samples, **options
    )


def draws_real_images(model, monkeypatch, shift=0):
    """Has `sample` give test images of the labels asked for, plus `shift`."""
    images, labels = images_of("test"), labels_of("test")

    def draw(seed, label, **options):
        wanted = (np.asarray(label) + shift) % 10
        return tf.constant([images[labels == one][0] for one in wanted])

    monkeypatch.setattr(model, "sample", draw)


def test_samples_that_look_their_class_are_taken_for_it(model, monkeypatch):
    draws_real_images(model, monkeypatch)
    accuracy = run(model)
    assert accuracy.labels.tolist() == [*range(10), *range(10)]
    assert accuracy.sample_accuracy >= 0.9
    assert accuracy.test_accuracy > 0.9
    assert (accuracy.num_train, accuracy.num_test) == (500, 180)


def test_samples_of_another_class_are_not(model, monkeypatch):
    draws_real_images(model, monkeypatch, shift=1)
    accuracy = run(model)
    assert accuracy.sample_accuracy <= 0.1
    agrees = accuracy.found == (accuracy.labels + 1) % 10
    assert agrees.mean() >= 0.9


def test_the_samples_are_those_of_the_seed_in_whatever_batches(model):
    expected = model.sample(
        20, seed=3, temperature=0.7, guidance_scale=2, label=np.arange(20) % 10
    )
    drawn = []
    draw = model.sample

    def remember(*arguments, **options):
        drawn.append(draw(*arguments, **options))
        return drawn[-1]

    model.sample = remember
    run(model, seed=3, batch_size=7, temperature=0.7, guidance_scale=2)
    assert [len(images) for images in drawn] == [7, 7, 6]
    np.testing.assert_array_equal(tf.concat(drawn, axis=0), expected)


def test_so_many_training_images_are_chosen_from_all_over_the_split():
    numbered = LabelledImages(np.arange(1000), np.arange(1000) % 7)
    chosen = numbered.choose(100)
    assert len(set(chosen.image)) == 100
    assert min(chosen.image) < 100
    assert max(chosen.image) > 900
    np.testing.assert_array_equal(chosen.label, chosen.image % 7)
    np.testing.assert_array_equal(chosen.image, numbered.choose(100).image)
    assert len(numbered.choose(1000).image) == 1000


def test_labels_that_the_model_does_not_know_are_told():
    with pytest.raises(ValueError, match=r"integers in \[0, 4\).*Received: "):
        run(tiny_model(num_classes=4))


def test_the_program_prints_and_writes_nothing(model, tmp_path, monkeypatch, capsys):
    model.save(tmp_path / "model.keras")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    call(
        sample_accuracy,
        "--model=../model.keras",
        "--dataset=digits",
        "--split=validation",
        "--num_samples=12",
        "--max_train=300",
        "--seed=4",
        "--top_p=0.9",
    )
    expected = classifier_accuracy.measure(
        model,
        examples("train"),
        examples("validation"),
        12,
        max_train=300,
        seed=4,
        top_p=0.9,
    )
    table = classifier_accuracy.format_table(expected)
    assert capsys.readouterr().out == table + "\n"
    names = [f"the digit {label}" for label in range(10)]
    told = classifier_accuracy.format_table(expected, names)
    assert "\n  the digit 9     " in told
    written = sorted(tmp_path.rglob("*"))
    assert written == [tmp_path / "here", tmp_path / "model.keras"]


def test_a_model_without_labels_is_told_before_data_is_read(tmp_path):
    tiny_model().save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="must take a label and nothing else"):
        model_path = tmp_path / "model.keras"
        call(sample_accuracy, f"--model={model_path}", "--dataset=no_such_data")
