"""Tests of a whole run: what it leaves, that it repeats, what it refuses."""

import json
import math
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_pixelcnn import baselines
from keras_pixelcnn.callbacks import NonFiniteLossError
from tests.trainers.tiny_run import (
    STEPS,
    images_of,
    read_log,
    read_metrics,
    tiny_config,
)
from trainers.configs import digits
from trainers.image_models import results, training

# What a finished run holds.


def test_a_finished_workdir_holds_everything_and_no_leftovers(finished):
    workdir, _ = finished
    assert {path.name for path in workdir.iterdir()} == {
        ".lock",
        "config.json",
        "environment.json",
        "model.keras",
        "metrics.json",
        "completions.png",
        "samples.png",
        "checkpoints",
        "logs",
        "history.jsonl",
        "samples",
        "completions",
        "export",
    }
    assert not [path for path in workdir.rglob("*") if ".part" in path.name]


def test_the_figures_are_those_of_the_reloaded_model(finished):
    workdir, _ = finished
    metrics = read_metrics(workdir)
    model = keras.models.load_model(workdir / "model.keras")
    for split in ("validation", "test"):
        logs = model.evaluate(images_of(split), return_dict=True, verbose=0)
        figure = metrics[f"{split}_bits_per_dim"]
        np.testing.assert_allclose(figure, logs["bits_per_dim"], rtol=1e-6)
    nats = -model.log_prob(images_of("test")).numpy().mean()
    np.testing.assert_allclose(metrics["test_nats_per_image"], nats, rtol=1e-6)
    assert metrics["test_images"] == 180
    assert metrics["parameters"] == model.count_params()
    assert metrics["best_epoch"] * STEPS == int(model.optimizer.iterations)
    assert metrics["training_seconds"] > 0
    assert metrics["seed"] == metrics["steps_skipped"] == 0
    assert metrics["versions"]["keras"] == keras.__version__


def test_the_baselines_are_fitted_on_the_training_split(finished):
    table = baselines.baseline_table(images_of("train"), images_of("test"), 17)
    assert read_metrics(finished[0])["baselines"] == pytest.approx(table)


def test_the_table_is_printed(finished):
    workdir, stdout = finished
    metrics = read_metrics(workdir)
    assert "Epoch 2/2" in stdout
    assert "180 images of digits, split test (8x8x1, 17 levels)" in stdout
    rows = {"GatedPixelCNN": metrics["test_bits_per_dim"], **metrics["baselines"]}
    for name, bits in rows.items():
        assert f"  {name:24}{bits:8.4f}\n" in stdout
    assert f"best epoch              {metrics['best_epoch']} of 2" in stdout


def test_the_export_scores_and_samples_as_the_model(finished):
    workdir, _ = finished
    model = keras.models.load_model(workdir / "model.keras")
    served = tf.saved_model.load(workdir / "export" / "1").signatures
    images = images_of("test")[:5].astype("int32")
    scores = served["log_prob"](image=tf.constant(images))["log_prob"]
    np.testing.assert_allclose(scores, model.log_prob(images), rtol=1e-6)


def test_the_samples_are_those_of_the_fixed_seed(finished):
    with Image.open(finished[0] / "samples.png") as file:
        picture = np.asarray(file)
    assert picture.shape == (8 * 33 - 1, 8 * 33 - 1)
    model = keras.models.load_model(finished[0] / "model.keras")
    first = np.rint(model.sample(64, seed=0)[0, ..., 0].numpy() * (255 / 16))
    np.testing.assert_array_equal(picture[:32:4, :32:4], first)


def test_tensorboard_shows_curves_samples_and_completions(finished):
    logs = finished[0] / "logs"
    every_row = {10, 20, STEPS, 30, 40, 2 * STEPS}
    for tag in ("bits_per_dim", "learning_rate", "gradient_norm", "images_per_second"):
        assert set(read_log(logs / "train", tag)) == every_row
    for curve in ("validation", "validation_ema"):
        assert set(read_log(logs / curve, "bits_per_dim")) == {STEPS, 2 * STEPS}
    for name in ("samples", "completions"):
        ((step, picture),) = read_log(logs / name, name).items()
        assert step == 2 * STEPS  # the second epoch
        path = finished[0] / name / f"step-{step:08}.png"
        with Image.open(path) as file:
            shown = tf.io.decode_png(picture[2], channels=1)[..., 0]
            np.testing.assert_array_equal(shown, np.asarray(file))


# The same again.


def test_a_finished_run_is_not_trained_again(finished, train_tiny):
    workdir, stdout = finished
    before = {path: path.stat().st_mtime_ns for path in workdir.rglob("*")}
    result = train_tiny(workdir)
    assert result.returncode == 0
    assert "finished. Remove it to train anew." in result.stdout
    assert "Epoch" not in result.stdout
    table = stdout[stdout.index("\nbits/dim over") :]
    assert result.stdout.endswith(table)
    assert before == {path: path.stat().st_mtime_ns for path in workdir.rglob("*")}


# Errors.


@pytest.mark.parametrize("content", ["{}", "[]", "{"])
def test_damaged_results_are_told(finished, tmp_path, content):
    shutil.copy(finished[0] / "config.json", tmp_path)
    (tmp_path / "metrics.json").write_text(content, encoding="utf-8")
    config = json.loads((tmp_path / "config.json").read_text("utf-8"))
    with pytest.raises(ValueError, match=r"metrics\.json must hold .* is damaged"):
        training.train_and_evaluate(config, tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(ValueError, match=r"holds a run, but not its config\.json"):
        training.train_and_evaluate(config, tmp_path)


@pytest.mark.op_by_op
def test_a_run_that_diverges_ends_with_an_error(tmp_path):
    with pytest.raises(NonFiniteLossError, match=r"is \S+ and .* at step \d+, batch"):
        training.train_and_evaluate(
            tiny_config(learning_rate=1e30, warmup_share=0.0), tmp_path
        )
    assert not (tmp_path / "metrics.json").exists()


def test_a_workdir_of_another_config_is_refused(finished):
    config = digits.get_config()
    with pytest.raises(ValueError, match=r"epochs is 2 there, 60 now; .*model.filters"):
        training.train_and_evaluate(config, finished[0])


def test_a_batch_larger_than_the_split_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"batch_size must be at most 1437.*2000"):
        training.train_and_evaluate(tiny_config(batch_size=2000), tmp_path)
    assert list(tmp_path.iterdir()) == []  # the next config is welcome


# The table.


def test_skipped_steps_are_told(finished):
    metrics = read_metrics(finished[0])
    assert "skipped" not in results.format_table(metrics)
    table = results.format_table({**metrics, "steps_skipped": 3})
    assert f"  {'steps skipped':24}3 of {2 * STEPS}\n" in table


@pytest.mark.parametrize(
    ("best", "shape", "num_levels", "hint"),
    [
        (
            2,
            [32, 48, 3],
            256,
            "still getting better after its 44 steps: train longer (a larger "
            "--config.minutes, another --workdir), or smaller images "
            "(--config.image_size=16), of which it sees more in the same time, or "
            "fewer levels (--config.num_levels=32).",
        ),
        (2, [32, 15, 3], 32, "another --workdir)."),  # both are small already
        (1, [32, 48, 3], 256, "best at epoch 1 of 2 and then learnt the pictures by h"),
    ],
)
def test_where_a_codec_does_better_it_is_told_why_and_what_to_try(
    finished, best, shape, num_levels, hint
):
    metrics = {**read_metrics(finished[0]), "best_epoch": best, "steps": 44}
    metrics |= {"image_shape": shape, "num_levels": num_levels}
    own = metrics["test_bits_per_dim"]
    metrics["baselines"] = {"uniform": own - 1, "PNG": own + 1}
    assert "fewer bits" not in results.format_table(metrics)
    metrics["baselines"] |= {"PNG": own - 1}
    told = " ".join(results.format_table(metrics).split())
    assert "PNG needs fewer bits than the model" in told
    assert hint in told
    assert ("by heart" in told) is (best == 1)


def test_no_baseline_is_fitted_to_too_many_images(monkeypatch, finished):
    monkeypatch.setattr(results, "_MOST_BASELINE_VALUES", 1000)
    model = keras.models.load_model(finished[0] / "model.keras")
    found = results._baselines(tiny_config(), images_of("test"), model)
    assert found["baselines"] == {"uniform": math.log2(17)}
    assert set(found["baselines_left_out"]) == set(baselines.BASELINES) - {"uniform"}


@pytest.mark.op_by_op
def test_epochs_between_validations(tmp_path, no_results):
    config = tiny_config(epochs=3, validate_every=2, batch_size=1437 // 2)
    training.train_and_evaluate(config, tmp_path / "run")
    rows = (tmp_path / "run" / "history.jsonl").read_text().splitlines()
    validated = [
        row["step"] for row in map(json.loads, rows) if "validation_bits_per_dim" in row
    ]
    assert validated == [2 * 2, 3 * 2]
