"""Tests of the program that scores each image."""

import csv

import numpy as np
import pytest
from PIL import Image

import keras_pixelcnn as kp
from keras_pixelcnn import anomaly
from keras_pixelcnn.image_grid import image_grid
from keras_pixelcnn.pixel_values import to_pixels
from tests.forked import Forked
from tests.trainers.tiny_run import call, images_of, labels_of, tiny_model
from trainers import score as program


def read_scores(folder):
    with open(folder / "scores.csv", newline="") as file:
        return [
            [float(value) for value in row.values()] for row in csv.DictReader(file)
        ]


def test_each_image_has_a_line_and_a_map(tmp_path, capsys):
    model = tiny_model()
    model.save(tmp_path / "model.keras")
    flags = [f"--model={tmp_path / 'model.keras'}", "--dataset=digits"]
    folder = tmp_path / "scores"
    call(program, *flags, f"--output={folder}", "--maps", "--num_images=8")
    images = images_of("test")[:8]
    nats = model.log_prob(images)
    np.testing.assert_allclose(
        read_scores(folder),
        np.stack([np.arange(8), nats, kp.bits_per_dim(nats, 64)], axis=1),
        rtol=1e-4,
    )
    assert capsys.readouterr().out.splitlines() == [
        str(folder / "scores.csv"),
        str(folder / "maps.png"),
    ]
    heat = anomaly.heat_map(
        anomaly.surprise_map(model.log_prob(images, reduce=False), 1)
    )
    grey = np.repeat(to_pixels(images, 17), 3, axis=-1)
    pairs = np.stack([grey, heat], axis=1).reshape(16, 8, 8, 3)
    with Image.open(folder / "maps.png") as picture:
        np.testing.assert_array_equal(
            np.asarray(picture), image_grid(pairs, columns=4, min_side=64)
        )


def test_images_are_scored_given_their_labels(tmp_path):
    model = tiny_model(num_classes=10, condition_dropout=0.5)
    model.save(tmp_path / "model.keras")
    flags = [f"--model={tmp_path / 'model.keras'}", "--dataset=digits"]
    flags += [f"--output={tmp_path}", "--num_images=5", "--batch_size=3"]
    call(program, *flags)
    images, labels = images_of("test")[:5], labels_of("test")[:5]
    found = [row[1] for row in read_scores(tmp_path)]
    np.testing.assert_allclose(found, model.log_prob(images, label=labels), rtol=1e-5)
    assert not (tmp_path / "maps.png").exists()
    call(program, *flags, "--unconditional")
    found = [row[1] for row in read_scores(tmp_path)]
    np.testing.assert_allclose(found, model.log_prob(images), rtol=1e-5)


def test_a_square_without_a_middle_is_told_at_once():
    with pytest.raises(Exception, match=r"map_size.*must be odd"):
        call(program, "--model=a", "--dataset=digits", "--output=b", "--map_size=2")


def test_what_maps_need_is_told_before_anything_is_scored():
    source = """
import sys
sys.modules["matplotlib"] = None
sys.argv = ["score", "--model=nowhere", "--dataset=digits", "--output=x", "--maps"]
from trainers import score
from keras_pixelcnn import programs
programs.run(score.main, score.define_flags)
"""
    result = Forked(source=source).wait()
    assert result.returncode == 1
    assert 'Run: pip install "keras-pixelcnn[report]"' in result.stderr
