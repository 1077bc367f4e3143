"""Tests of the program that compares anomaly scores."""

import numpy as np
import pytest
from absl import flags as absl_flags
from sklearn.datasets import load_digits

from keras_pixelcnn import anomaly
from keras_pixelcnn.datasets import glyphs
from tests.datasets.font_files import write_font
from tests.trainers.tiny_run import call, images_of, tiny_model
from trainers import anomalies as program
from trainers.configs import digits
from trainers.runs.data import load_training_data, training_images
from trainers.scoring import anomalies, digit_pictures

pytestmark = pytest.mark.op_by_op


@pytest.fixture(scope="module")
def model():
    return tiny_model()


@pytest.fixture(scope="module")
def background():
    return tiny_model(num_classes=3, condition_dropout=0.5)


def noise(count):
    return np.random.default_rng(0).integers(0, 17, (count, 8, 8, 1))


def test_every_score_is_that_of_the_library(model, background):
    usual, reference = images_of("test")[:40], images_of("train")[:30]
    strange = {"noise": noise(25), "again": images_of("validation")[:20]}
    found = anomalies.compare(model, usual, reference, strange, background, 16)
    nats = {name: model.log_prob(images) for name, images in strange.items()}
    of_usual = model.log_prob(usual)
    assert set(found.aurocs) == {"noise", "again"}
    for name, images in strange.items():
        expected = {
            "likelihood": anomaly.auroc(-of_usual.numpy(), -nats[name].numpy()),
            "likelihood ratio": anomaly.auroc(
                background.log_prob(usual) - of_usual,
                background.log_prob(images) - nats[name],
            ),
            "input complexity": anomaly.auroc(
                anomaly.input_complexity(of_usual, usual, 17),
                anomaly.input_complexity(nats[name], images, 17),
            ),
            "typicality": anomaly.auroc(
                anomaly.typicality(of_usual, model.log_prob(reference)),
                anomaly.typicality(nats[name], model.log_prob(reference)),
            ),
        }
        assert list(found.aurocs[name]) == list(expected)
        for score, estimate in expected.items():
            assert found.aurocs[name][score] == pytest.approx(estimate, abs=2e-3)
        mean = np.mean(nats[name])
        assert found.mean_nats[name] == pytest.approx(mean, rel=1e-5)
    assert found.num_usual == 40 and found.num_strange == {"noise": 25, "again": 20}


def test_without_a_background_model_there_is_no_ratio(model):
    found = anomalies.compare(model, noise(4), noise(4), {"a": noise(3)})
    assert list(found.aurocs["a"]) == ["likelihood", "input complexity", "typicality"]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"num_levels": 5}, r"same shape and levels.*\(8, 8, 1\), 5\)"),
        ({"num_classes": 3}, r"no conditions.*takes \['label'\]"),
    ],
)
def test_a_background_model_that_does_not_fit_is_told(model, other, words):
    with pytest.raises(ValueError, match=words):
        anomalies.compare(
            model, noise(4), noise(4), {"a": noise(3)}, tiny_model(**other)
        )


def test_the_program_prints_the_table(model, background, tmp_path, capsys):
    model.save(tmp_path / "model.keras")
    background.save(tmp_path / "background.keras")
    call(
        program,
        f"--model={tmp_path / 'model.keras'}",
        f"--background={tmp_path / 'background.keras'}",
        "--dataset=digits",
        "--anomalous=enlarged_digits,digits",
        "--max_images=12",
    )
    lines = capsys.readouterr().out.splitlines()
    found = anomalies.compare(
        model,
        images_of("test")[:12],
        images_of("train")[:12],
        {
            "enlarged_digits": digit_pictures.enlarged_digits((8, 8, 1), 17)[:12],
            "digits": images_of("test")[:12],
        },
        background,
    )
    assert lines == anomalies.format_detection(found).splitlines()
    assert lines[0].split() == ["AUROC", "enlarged_digits", "digits"]
    assert lines[1].split()[-3:] == ["0.5000", "+-", lines[1].split()[-1]]
    assert lines[-1].split() == ["images", "12", "12", "usual", "images:", "12"]


# The background model's images.


@pytest.mark.parametrize("cache", [True, False])
def test_a_background_model_learns_mutated_images(cache):
    config = digits.get_config().to_dict()
    config.update(mutation_rate=0.3, cache=cache)
    data = load_training_data(config)
    plain = training_images({**config, "mutation_rate": 0.0}, data, dict)
    mutated = training_images(config, data, dict)
    before = np.concatenate([batch["image"] for batch in plain.batches(1)])
    after = np.concatenate([batch["image"] for batch in mutated.batches(1)])
    share = np.mean(before != after)
    assert share == pytest.approx(0.3 * 16 / 17, abs=0.01)
    again = np.concatenate([batch["image"] for batch in mutated.batches(1)])
    np.testing.assert_array_equal(again, after)


# What stands in for MNIST.


@pytest.mark.parametrize("shape", [(28, 28, 1), (14, 20, 3)])
def test_digits_are_enlarged_in_the_middle_of_black(shape):
    found = digit_pictures.enlarged_digits(shape, 256)
    assert found.shape == (1797, *shape)
    assert found.min() == 0 and found.max() == 255
    size = round(min(shape[:2]) * 20 / 28)
    top, left = (shape[0] - size) // 2, (shape[1] - size) // 2
    inside = found[:, top : top + size, left : left + size]
    assert inside.sum() == found.sum()
    assert (found == found[..., :1]).all()
    # Ink is neither lost nor moved from one digit to another.
    ink = np.corrcoef(found.mean((1, 2, 3)), load_digits().data.mean(1))[0, 1]
    assert ink > 0.99


def test_digits_of_fonts_are_the_last_ten_letters(tmp_path):
    write_font(tmp_path / "one.ttf")
    write_font(tmp_path / "other.ttf", family="Bileron", shift=1)
    (font, _) = glyphs.load_fonts(tmp_path, (28, 28))
    found = digit_pictures.font_digits(tmp_path, (28, 28, 1), 256)
    assert found.shape == (20, 28, 28, 1)
    np.testing.assert_array_equal(found[:10, ..., 0], font.letters[52:])
    few = digit_pictures.font_digits(tmp_path, (28, 28, 3), 4)
    np.testing.assert_array_equal(few[..., 1:2], found * 4 // 256)


# Faults.


@pytest.mark.parametrize(("expected", "found"), [(16, 1.0), (0, 0.0)])
def test_faults_are_where_the_model_does_not_expect_them(expected, found):
    """Models that expect every pixel of bright images to be bright, or dark."""
    images = np.full((30, 8, 8, 1), 16)

    class Expecting:
        num_levels = 17
        conditions = tiny_model().conditions

        def log_prob(self, images, batch_size, reduce):
            assert not reduce
            return -np.abs(np.asarray(images, float) - expected)

    result = anomalies.find_defects(Expecting(), images)
    assert result.located == found
    assert result.pixels == pytest.approx(found, abs=0.05)
    assert result.images.value == pytest.approx(0.5 + found / 2, abs=0.1)
    assert result.num_images == 30


def test_the_program_looks_for_faults(model, tmp_path, capsys):
    model.save(tmp_path / "model.keras")
    flags = [f"--model={tmp_path / 'model.keras'}", "--dataset=digits"]
    flags += ["--anomalous=digits", "--max_images=20", "--defects"]
    call(program, *flags)
    found = anomalies.find_defects(model, images_of("test")[:20])
    lines = capsys.readouterr().out.splitlines()
    table = anomalies.format_defects(found).splitlines()
    assert lines[-4:] == table
    call(program, *flags, "--anomalous=")
    assert capsys.readouterr().out.splitlines() == table
    with pytest.raises(absl_flags.IllegalFlagValueError, match="anomalous must name"):
        call(program, *flags, "--anomalous=", "--nodefects")
