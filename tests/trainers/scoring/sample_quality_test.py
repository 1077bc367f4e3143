"""Tests of the program that compares samples with real images, and of its report."""

import base64
import json
import shutil

import keras
import numpy as np
import pytest
from absl import flags
from PIL import Image

from keras_pixelcnn import datasets, evaluation
from tests.trainers.tiny_run import call, images_of, labels_of, tiny_model
from trainers import evaluate
from trainers.report_page.page import write_page
from trainers.scoring import sample_quality, scoring


@pytest.fixture(scope="module")
def model():
    return tiny_model(num_classes=10)


def test_samples_have_the_labels_of_the_images(model):
    examples = datasets.load("digits", "test", shuffle=False)
    found = sample_quality.measure(model, examples, 200, batch_size=64, seed=3).quality
    labels = np.resize(labels_of("test"), 200)
    samples = model.sample(200, 3, label=labels)
    expected = evaluation.sample_quality(samples, images_of("test"), 17, seed=3)
    assert found.num_generated == 200 and found.num_real == 180
    assert found.frechet.value == pytest.approx(expected.frechet.value, rel=0.02)
    assert found.precision.value == pytest.approx(expected.precision.value, abs=0.02)


def test_the_nearest_training_images_stand_beside_samples(model):
    examples = datasets.load("digits", "test", shuffle=False)
    seen = images_of("train")
    train = datasets.load("digits", "train", shuffle=False)
    found = sample_quality.measure(model, examples, 12, train=train, seed=3)
    sample, *nearest = found.nearest[2].astype(int)
    distances = ((seen.astype(int) - sample) ** 2).sum(axis=(1, 2, 3))
    expected = np.sort(distances)[:4]
    assert [((each - sample) ** 2).sum() for each in nearest] == expected.tolist()
    assert found.nearest.shape == (10, 5, 8, 8, 1)


def test_a_picture_of_another_comparison_does_not_stay(model, tmp_path):
    examples = datasets.load("digits", "test", shuffle=False)
    (tmp_path / "quality_nearest.png").write_bytes(b"old")
    found = sample_quality.measure(model, examples, 5)
    assert found.nearest is None
    sample_quality.write(tmp_path / "quality.json", found)
    assert [path.name for path in tmp_path.iterdir()] == ["quality.json"]


def test_it_is_printed_and_kept_for_the_report(model, tmp_path, capsys):
    model.save(tmp_path / "model.keras")
    halves = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.AveragePooling2D(4)]
    )
    halves.add(keras.layers.Flatten())
    halves.save(tmp_path / "features.keras")
    call(
        evaluate,
        *(f"--model={tmp_path / 'model.keras'}", "--dataset=digits"),
        *("--num_samples=50", f"--features={tmp_path / 'features.keras'}"),
        *("--train_split=train", f"--quality={tmp_path / 'quality.json'}"),
    )
    printed = capsys.readouterr().out
    kept = json.loads((tmp_path / "quality.json").read_text())
    assert kept["num_generated"] == 50 and kept["num_real"] == 180
    figures = kept["figures"]
    assert f"{figures['Fréchet distance']['value']:.4g} +- " in printed
    assert "nearer than unseen" in printed and len(figures) == 5
    write_page(tmp_path, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "Sample quality" in page and "50 samples beside 180 real images" in page
    assert f"{figures['recall']['value']:,.4g}" in page
    with Image.open(tmp_path / "quality_nearest.png") as picture:
        assert picture.size == (5 * 65 - 1, 10 * 65 - 1)
    assert "training images that are nearest to it" in page
    picture = base64.b64encode((tmp_path / "quality_nearest.png").read_bytes()).decode()
    assert picture in page
    (tmp_path / "quality.json").write_text('{"figures": {"recall": {}, "x": 3}}')
    write_page(tmp_path, tmp_path / "report.html")
    assert "Sample quality" in (tmp_path / "report.html").read_text()
    shutil.copy(tmp_path / "features.keras", tmp_path / "quality.json")
    write_page(tmp_path, tmp_path / "report.html")
    assert "quality.json is damaged" in (tmp_path / "report.html").read_text()


def test_flags_of_samples_need_samples():
    with pytest.raises(flags.IllegalFlagValueError, match="for --num_samples above"):
        call(evaluate, "--model=m.keras", "--dataset=digits", "--features=f.keras")


@pytest.mark.parametrize(
    ("flag", "words"), [("features=no.keras", "no.keras"), ("train_split=no", "'no'")]
)
def test_what_is_missing_is_told_before_anything_is_scored(
    model, tmp_path, monkeypatch, flag, words
):
    """Once it was told after the split was scored and all samples were drawn."""
    model.save(tmp_path / "model.keras")
    monkeypatch.setattr(scoring, "score", lambda *_: pytest.fail("too late"))
    given = f"--model={tmp_path / 'model.keras'}", "--dataset=digits"
    with pytest.raises(ValueError, match=words):
        call(evaluate, *given, "--num_samples=5", f"--{flag}")
