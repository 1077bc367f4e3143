"""Tests of runs of models with labels: what they leave, and what they refuse."""

import numpy as np
import pytest
from PIL import Image

from keras_pixelcnn.image_grid import image_grid
from keras_pixelcnn.models import AutoregressiveImageModel, load_model
from tests.trainers.runs.train_lightly import export
from tests.trainers.tiny_run import (
    images_of,
    labels_of,
    read_log,
    read_metrics,
    tiny_config,
    tiny_model,
)
from trainers.image_models import results, training
from trainers.runs import data
from trainers.runs.run_folder import RunFolder

pytestmark = pytest.mark.op_by_op


def conditional_config(num_classes=10, condition_dropout=0.2, **fields):
    config = tiny_config(**{"steps": 3, **fields})
    config.model.num_classes = num_classes
    config.model.condition_dropout = condition_dropout
    return config


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("runs") / "conditional"
    config = conditional_config(num_samples=25, sample_every=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AutoregressiveImageModel, "export", export)
        training.train_and_evaluate(config, workdir)
    return workdir


# What a finished run holds.


def test_the_samples_have_one_row_a_class(workdir):
    model = load_model(workdir / "model.keras")
    samples = model.sample(20, seed=0, label=np.repeat(np.arange(10), 2))
    expected = image_grid(samples, 17, columns=2)[..., 0]
    with Image.open(workdir / "samples.png") as file:
        np.testing.assert_array_equal(np.asarray(file), expected)
    (picture,) = read_log(workdir / "logs" / "samples", "samples").values()
    width, height = map(int, picture[:2])
    assert (height, width) == expected.shape


def test_the_metrics_hold_the_scores_with_and_without_labels(workdir):
    metrics = read_metrics(workdir)
    assert metrics["conditions"] == ["label"]
    model = load_model(workdir / "model.keras")
    images, labels = images_of("test"), labels_of("test")
    scale = -1 / (64 * np.log(2))
    given = model.log_prob(images, label=labels).numpy().mean() * scale
    without = model.log_prob(images).numpy().mean() * scale
    assert given != pytest.approx(without, rel=1e-4)
    assert metrics["test_bits_per_dim"] == pytest.approx(given, rel=1e-5)
    found = metrics["test_bits_per_dim_unconditional"]
    assert found == pytest.approx(without, rel=1e-5)


def test_a_model_that_cannot_do_without_has_no_unconditional_score(workdir):
    test = data.load_split(tiny_config(), "test")
    model = tiny_model(num_classes=10)
    assert results._conditional_scores(model, test, 64) == {"conditions": ["label"]}
    assert results._conditional_scores(tiny_model(), test, 64) == {}
    metrics = read_metrics(workdir)
    del metrics["test_bits_per_dim_unconditional"]
    assert "unconditional" not in results.format_table(metrics)


# Errors.


def test_a_run_that_failed_in_its_first_epoch_leaves_the_folder_free(tmp_path):
    config = conditional_config(num_classes=9, condition_dropout=0.0)
    with pytest.raises(ValueError, match=r"must fit .*\[0, 9\)\. Received: 9"):
        training.train_and_evaluate(config, tmp_path)
    RunFolder(tmp_path).claim({"another": "config"})


def test_the_completions_keep_the_upper_halves(workdir):
    """A row: what is known, five completions given the label, the real image."""
    with Image.open(workdir / "completions.png") as file:
        picture = np.asarray(file)
    side = (picture.shape[0] - 7) // 8
    rows = [picture[i * (side + 1) :][:side] for i in range(8)]
    tiles = np.array(
        [[row[:, j * (side + 1) :][:, :side] for j in range(7)] for row in rows]
    )
    real = tiles[:, -1]
    expected = image_grid(images_of("test")[: 8 * 22 : 22], 17, columns=1)[:, :, 0]
    np.testing.assert_array_equal(
        np.concatenate(list(real)),
        np.delete(expected, range(side, len(expected), side + 1), 0),
    )
    half = side // 2
    for column in range(6):
        np.testing.assert_array_equal(tiles[:, column, :half], real[:, :half])
    assert np.all(tiles[:, 0, half:] == 128)
    lower = tiles[:, 1:6, half:]
    assert np.mean(lower[:, 0] != lower[:, 1]) > 0.1
