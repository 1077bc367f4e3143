"""Tests of a whole run of an auto-encoder: what it leaves, and going on."""

import json
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.training import Preemption
from tests.models.autoencoder.small_autoencoder import new_autoencoder
from tests.test_case import random_images
from tests.trainers.runs.power_cut import power_cut
from tests.trainers.runs.train_lightly import export
from tests.trainers.tiny_run import images_of
from trainers import autoencoder
from trainers.autoencoding import results
from trainers.autoencoding import training as autoencoding
from trainers.autoencoding.training import check_config, train_autoencoder
from trainers.configs import (
    autoencoder_digits,
    autoencoder_fashion_mnist,
    autoencoder_glyphs,
)
from trainers.image_models.training import train_and_evaluate
from trainers.runs import run as run_module
from trainers.runs.data import load_training_data
from trainers.runs.run import Run
from trainers.runs.run_folder import RunFolder

pytestmark = pytest.mark.op_by_op


def tiny_config(**model):
    config = autoencoder_digits.get_config()
    config.model.update(latent_dim=3, encoder_filters=4, filters=4, num_blocks=1)
    config.model.update(model)
    # Deterministic operations cannot be switched off again in this process.
    config.update(epochs=1, sample_every=1, deterministic=False, batch_size=128)
    config.autoencoder.update(mse_epochs=2, num_rows=3, num_reconstructions=2)
    config.autoencoder.update(probe_images=200, importance_samples=2)
    config.autoencoder.update(accuracy_images=60, begins_with_mse=True)
    config.model.condition_dropout = 0.0 if model.get("beta") else 0.2
    config.autoencoder.guidance_scale = None if model.get("beta") else 2.0
    return config


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The workdir, the metrics, and what was printed."""
    workdir = tmp_path_factory.mktemp("runs") / "autoencoder"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kp.PixelCNNAutoencoder, "export", export)
        return workdir, train_autoencoder(tiny_config(), workdir)


def test_a_finished_workdir_holds_everything_and_no_leftovers(finished):
    workdir, _ = finished
    assert {path.name for path in workdir.iterdir()} == {
        *("config.json", "environment.json", "model.keras", "mse", "metrics.json"),
        *("reconstructions.png", "interpolations.png", "reconstructions"),
        *("checkpoints", "logs", "history.jsonl", "export", ".lock"),
    }
    assert not [path for path in workdir.rglob("*") if ".part" in path.name]


def test_the_figures_are_those_of_the_reloaded_models(finished):
    workdir, metrics = finished
    assert json.loads((workdir / "metrics.json").read_text()) == metrics
    model = keras.models.load_model(workdir / "model.keras")
    images = images_of("test")
    bits = kp.bits_per_dim(model.log_prob(images).numpy().mean(), 64)
    assert metrics["test_bits_per_dim"] == pytest.approx(bits, rel=1e-5)
    saved = (metrics["shuffled_bits_per_dim"] - bits) * 64
    assert metrics["bits_saved_per_image"] == pytest.approx(saved, abs=1e-3)
    assert metrics["is_collapsed"] == (saved < 1)
    mse = keras.models.load_model(workdir / "mse" / "model.keras")
    error = np.square(mse(images) - images / 16).mean()
    assert metrics["mse_mean_squared_error"] == pytest.approx(error, rel=1e-4)
    for name in ("probe_accuracy", "mse_probe_accuracy"):
        assert 0.1 < metrics[name] < 1
    assert (metrics["latent_dim"], metrics["probe_images"]) == (3, 200)
    # One epoch makes no digits; the images themselves are digits to the classifier.
    assert metrics["reconstruction_accuracy"] < 0.5 < metrics["real_accuracy"]
    assert metrics["accuracy_images"] == 60
    assert metrics["sampling_options"] == {"guidance_scale": 2.0}
    assert 0 < metrics["chosen_reconstruction_accuracy"] < 0.5


def test_a_finished_run_is_told_and_not_trained_again(finished, capsys):
    workdir, metrics = finished
    assert train_autoencoder(tiny_config(), workdir) == metrics
    printed = capsys.readouterr().out
    assert "finished. Remove it to train anew." in printed
    assert results.format_table(metrics) in printed
    assert f"bits/dim given z                {metrics['test_bits_per_dim']:.4f}" in (
        printed
    )
    assert metrics["verdict"] in printed


def run_of(config, workdir, on_nonfinite="stop"):
    data, strategy = load_training_data(config), tf.distribute.get_strategy()
    folder = RunFolder(workdir)
    return Run(config, data, folder, strategy, on_nonfinite, Preemption())


def test_a_baseline_that_was_stopped_ends_as_one_that_was_not(tmp_path, monkeypatch):
    few = {"batch_size": 359, "checkpoint_every": 2}  # 4 steps an epoch
    config = {**tiny_config().to_dict(), **few}
    keras.utils.set_random_seed(0)
    autoencoding.train_baseline(run_of(config, tmp_path / "whole"))
    keras.utils.set_random_seed(0)
    with power_cut(monkeypatch, 6):
        autoencoding.train_baseline(run_of(config, tmp_path / "parts"))
    autoencoding.train_baseline(run_of(config, tmp_path / "parts"))
    whole, parts = (
        keras.models.load_model(tmp_path / each / "mse" / "model.keras")
        for each in ("whole", "parts")
    )
    images = images_of("test")
    np.testing.assert_allclose(parts(images), whole(images), atol=1e-6)
    history = (tmp_path / "parts" / "mse" / "history.jsonl").read_text().splitlines()
    assert "validation_mean_squared_error" in json.loads(history[-1])


def test_the_model_begins_with_the_baseline_s_encoder_and_does_not_listen_yet():
    baseline = kp.MSEAutoencoder((8, 8, 1), 17, latent_dim=3, encoder_filters=4)
    model = kp.PixelCNNAutoencoder(
        *((8, 8, 1), 17),
        latent_dim=3,
        encoder_filters=4,
        filters=4,
        num_blocks=1,
        map_filters=2,
    )
    images = images_of("test")
    autoencoding.begin_with(baseline, model, images)
    latent, old = model.encode(images).numpy(), baseline.encode(images).numpy()
    np.testing.assert_allclose(latent.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(latent.std(0), 1, atol=1e-4)
    scaled = (old - old.mean(0)) / old.std(0)
    np.testing.assert_allclose(latent, scaled, atol=1e-3)
    given = [model.decoder.log_prob(images, **model.latent_conditions(latent))]
    given.append(
        model.decoder.log_prob(images, **model.latent_conditions(latent[::-1]))
    )
    np.testing.assert_allclose(*given, rtol=1e-6)


def test_a_run_begins_with_its_baseline_where_the_config_says_so(tmp_path, monkeypatch):
    def stop(baseline, model, images):
        begun.append((baseline, model, images.shape))
        raise InterruptedError

    begun = []
    monkeypatch.setattr(autoencoding, "begin_with", stop)
    config = tiny_config()
    config.batch_size = 359
    with pytest.raises(InterruptedError):
        train_autoencoder(config, tmp_path)
    ((baseline, model, shape),) = begun
    trained = keras.models.load_model(tmp_path / "mse" / "model.keras")
    np.testing.assert_array_equal(
        baseline.encoder.dense.kernel, trained.encoder.dense.kernel
    )
    assert isinstance(model, kp.PixelCNNAutoencoder)
    assert shape == images_of("validation").shape


def test_on_nonfinite_reaches_the_baseline(tmp_path, monkeypatch):
    class Loop:
        def __init__(self, *given, options, **rest):
            found.append(options.on_nonfinite)
            raise InterruptedError

    found = []
    monkeypatch.setattr(run_module, "TrainingLoop", Loop)
    with pytest.raises(InterruptedError):
        run = run_of(tiny_config().to_dict(), tmp_path, on_nonfinite="skip")
        autoencoding.train_baseline(run)
    assert found == ["skip"]


def test_a_variational_model_s_bound_is_called_a_bound(finished):
    model = new_autoencoder((4, 3, 1), beta=0.5)
    images = random_images(model, 30)
    scores = results.measure_likelihood(model, images, tiny_config())
    assert "test_bits_per_dim" not in scores
    elbo = scores["test_elbo_bits_per_dim"]
    assert scores["test_importance_weighted_bits_per_dim"] < elbo
    assert scores["kl_divergence_nats"] > 0
    objective = autoencoding._make_objective
    assert objective({"model": {"beta": 0.5}}).name == "elbo_bits_per_dim"
    assert objective({"model": {"beta": 0.0}}).name == "bits_per_dim"
    table = results.format_table({**finished[1], **scores})
    assert f"bits/dim at most (ELBO)         {elbo:.4f}" in table


# Configs and flags.


@pytest.mark.parametrize(
    "module",
    [
        autoencoder_digits,
        autoencoder_fashion_mnist,
        autoencoder_glyphs,
    ],
)
def test_the_configs_are_right(module):
    check_config(module.get_config().to_dict())


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"mse_epochs": 0}, r"mse_epochs must be an integer of at least 1.*: 0"),
        ({"mse_learning_rate": -1}, r"mse_learning_rate must be above 0.*-1"),
        ({"begins_with_mse": 1}, r"begins_with_mse must be True or False.*: 1"),
        ({"guidance_scale": 2.0}, r"condition_dropout above 0.*guidance_scale=2.0"),
        ({"top_p": 0}, r"top_p must be None or in .0, 1.*: 0"),
        ({"mse_epoch": 1}, r"must have the fields .*Received: .*'mse_epoch'"),
    ],
)
def test_a_wrong_field_is_told(fields, sentence):
    config = autoencoder_digits.get_config().to_dict()
    config["autoencoder"].update(fields)
    with pytest.raises(ValueError, match=sentence):
        check_config(config)


def test_a_task_is_refused():
    """Once it was trained as if there were none."""
    config = {**autoencoder_digits.get_config().to_dict(), "task": "denoising"}
    with pytest.raises(ValueError, match=r"task is for trainers.train.*'denoising'"):
        check_config(config)


def test_the_baseline_begins_as_bright_as_the_images_are():
    """Else mostly black images leave it black for good."""
    images = np.zeros((200, 8, 8, 3), int)
    images[:, 2, 3], images[..., 2] = 16, 8
    baseline = kp.MSEAutoencoder((8, 8, 3), 17, latent_dim=3)
    autoencoding.begin_with_mean(baseline, images)
    means = baseline({"image": images[:2]}).numpy().mean(axis=(0, 1, 2))
    np.testing.assert_allclose(means, [1 / 64, 1 / 64, 0.5], atol=0.02)


def test_a_variational_model_cannot_begin_with_its_baseline():
    config = tiny_config(beta=0.5)
    with pytest.raises(ValueError, match=r"begins_with_mse must be False.*beta=0.5"):
        check_config(config.to_dict())


def test_what_is_no_auto_encoder_is_refused_and_the_other_way_around(tmp_path):
    config = autoencoder_digits.get_config()
    del config.autoencoder
    with pytest.raises(ValueError, match=r"one of \('GatedP.*'PixelCNNAutoencoder'"):
        train_and_evaluate(config, tmp_path)
    config = autoencoder_digits.get_config().to_dict()
    with pytest.raises(ValueError, match=r"\['embedding_dim'\]"):
        config["model"]["embedding_dim"] = 3
        check_config(config)
    config["model_class"] = "PixelCNN"
    with pytest.raises(ValueError, match=r"\('PixelCNNAutoencoder',\).*'PixelCNN'"):
        check_config(config)


def test_the_program_trains_what_its_flags_say(monkeypatch):
    calls = []
    monkeypatch.setattr(
        autoencoding, "train_autoencoder", lambda *given: calls.append(given)
    )
    given = {"config": {"seed": 3}, "workdir": "here", "on_nonfinite": "skip"}
    where = {"strategy": "one", "num_logical_cpus": None}
    autoencoder.main(types.SimpleNamespace(**given, **where))
    ((config, workdir, strategy, on_nonfinite),) = calls
    assert [config, workdir, on_nonfinite] == list(given.values())
    assert strategy.num_replicas_in_sync == 1
