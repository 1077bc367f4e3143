"""Tests of scores with and without labels, and of labels that models find."""

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn import datasets
from keras_pixelcnn.datasets import glyphs
from tests.datasets.font_files import write_font
from tests.trainers.tiny_run import call, images_of, labels_of, tiny_model
from trainers import evaluate
from trainers.scoring import scoring

pytestmark = pytest.mark.op_by_op


@pytest.fixture(scope="module")
def model():
    return tiny_model(num_classes=10, condition_dropout=0.1)


@pytest.fixture(scope="module")
def examples():
    return datasets.load("digits", "test", shuffle=False)


def labelled(label, count=8):
    """Blank images that all have one label."""
    return tf.data.Dataset.from_tensor_slices(
        {
            "image": np.zeros((count, 8, 8, 1), np.uint8),
            "label": np.full(count, label, np.int64),
        }
    )


# Scores.


def test_images_are_scored_given_their_labels_or_without(model, examples):
    images, labels = images_of("test"), labels_of("test")
    given = -model.log_prob(images, label=labels).numpy().mean()
    without = -model.log_prob(images).numpy().mean()
    assert abs(given - without) > 0.1
    found = scoring.score(model, examples, 50)
    np.testing.assert_allclose(found.nats_per_image, given, rtol=1e-5)
    found = scoring.score(model, examples, 50, unconditional=True)
    np.testing.assert_allclose(found.nats_per_image, without, rtol=1e-5)
    assert found.num_images == 180


@pytest.mark.parametrize("conditions", [{}, {"num_classes": 10}])
def test_only_a_model_with_condition_dropout_is_scored_without(conditions, examples):
    model = tiny_model(**conditions)
    with pytest.raises(ValueError, match="trained with condition_dropout above 0"):
        scoring.score(model, examples, 50, unconditional=True)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_conditions_that_datasets_do_not_have_are_told(examples, dropout):
    model = tiny_model(embedding_dim=2, condition_dropout=dropout)
    with pytest.raises(ValueError, match=r"\['embedding'\]") as error:
        scoring.score(model, examples, 50)
    assert ("unconditional" in str(error.value)) == bool(dropout)
    if dropout:
        assert scoring.score(model, examples, 50, unconditional=True).num_images == 180


@pytest.mark.parametrize("label", [-1, 3, 2**40])
def test_a_label_that_the_model_does_not_know_is_told(label):
    model = tiny_model(num_classes=3)
    with pytest.raises(ValueError) as error:
        scoring.score(model, labelled(label), 4)
    words = str(error.value)
    received = min(label, 2**31 - 1)
    assert f"label must hold integers in [0, 3). Received: {received}" in words
    assert "-1 stands for an image without one" in words
    assert len(words.splitlines()) == 1
    scoring.score(model, labelled(2), 4)


@pytest.mark.parametrize("label", [-1, 3])
def test_without_labels_none_is_wrong(label):
    """Once a model trained with condition_dropout took -1, and said it had labels."""
    model = tiny_model(num_classes=3, condition_dropout=0.5)
    with pytest.raises(ValueError, match=r"unconditional\. label must"):
        scoring.score(model, labelled(label), 4)
    scoring.score(model, labelled(label), 4, unconditional=True)


def test_other_errors_of_a_graph_pass(model):
    def check(example):
        label = tf.cast(example["label"], tf.int32)
        with tf.control_dependencies([tf.debugging.assert_equal(label, 0)]):
            return {**example, "image": tf.identity(example["image"])}

    with pytest.raises(tf.errors.InvalidArgumentError, match="did not hold"):
        scoring.score(model, labelled(1).map(check), 4)


# Labels that models find.


def test_the_accuracy_counts_labels_that_are_found(model, examples, monkeypatch):
    found = model.classify(images_of("test")).numpy().argmax(axis=-1)
    expected = np.mean(found == labels_of("test"))
    assert scoring.accuracy(model, examples, 64) == pytest.approx(expected)
    answers = iter(np.split(np.eye(10)[labels_of("test")], [50, 100, 150]))
    monkeypatch.setattr(
        model, "classify", lambda image, **_: tf.constant(next(answers))
    )
    assert scoring.accuracy(model, examples, 50) == 1.0


@pytest.mark.parametrize("label", [-1, 10])
def test_images_without_a_class_are_not_counted(model, label):
    with pytest.raises(ValueError, match=rf"\[0, 10\).*Received: {label}"):
        scoring.accuracy(model, labelled(label), 4)


@pytest.mark.parametrize("conditions", [{}, {"num_classes": 3, "embedding_dim": 2}])
def test_a_model_that_takes_more_or_less_than_a_label_is_told(conditions, examples):
    with pytest.raises(ValueError, match="must take a label and nothing else"):
        scoring.accuracy(tiny_model(**conditions), examples)


def test_the_labels_are_those_that_the_model_has_names_of(tmp_path):
    """Once letters were counted as fonts, and the first 62 fonts were letters."""
    write_font(tmp_path / "a.ttf")
    model = tiny_model((8, 8, 1), num_levels=4, num_classes=62)
    fonts = f"glyphs:{tmp_path}"
    for names, expected in ((None, [0] * 62), ([*glyphs.LETTERS], range(62))):
        model.label_names = names
        examples = scoring.load_examples(model, fonts, "all", labelled=True)
        labels = [int(each["label"]) for each in examples]
        np.testing.assert_array_equal(labels, list(expected))


# The program.


def test_the_program_classifies_and_scores_without_labels(tmp_path, capsys):
    model = tiny_model(num_classes=10, condition_dropout=0.1)
    model.save(tmp_path / "model.keras")
    flags = [f"--model={tmp_path / 'model.keras'}", "--dataset=digits"]
    call(evaluate, *flags, "--classify", "--split=validation")
    given = capsys.readouterr().out.splitlines()
    labels = labels_of("validation")
    found = model.classify(images_of("validation")).numpy().argmax(axis=-1)
    nats = -model.log_prob(images_of("validation"), label=labels).numpy().mean()
    assert given[1] == f"nats per image      {nats:.4f}"
    assert given[3:] == [
        "conditions          label",
        f"accuracy            {np.mean(found == labels):.4f}",
    ]
    call(evaluate, *flags, "--unconditional", "--split=validation")
    nats = -model.log_prob(images_of("validation")).numpy().mean()
    without = capsys.readouterr().out.splitlines()
    assert without[1] == f"nats per image      {nats:.4f}"
    assert without[3:] == ["conditions          none"]


def test_data_of_fewer_levels_is_refused():
    other = tiny_model((8, 8, 1), num_levels=256)
    with pytest.raises(ValueError, match=r"of 256 levels.* have 17.*choose other data"):
        scoring.load_examples(other, "digits", "test")
