"""Tests that an interrupted run goes on where it was."""

import numpy as np
import pytest

from keras_pixelcnn.callbacks import SaveBest
from tests.trainers.tiny_run import STEPS, read_log, read_metrics, tiny_config
from trainers import data, results_writing, training


class PowerCutError(Exception):
    pass


class Interrupted(SaveBest):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise PowerCutError


def test_an_interrupted_run_goes_on_and_keeps_its_best(tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch, pytest.raises(PowerCutError):
        patch.setattr(training, "SaveBest", Interrupted)
        training.train_and_evaluate(tiny_config(), tmp_path)
    assert not (tmp_path / "metrics.json").exists()
    best = (tmp_path / "model.keras").read_bytes()
    scores = read_log(tmp_path / "logs" / "validation", "epoch_bits_per_dim")
    capsys.readouterr()
    seen = []

    class Spoiling(SaveBest):
        def on_epoch_begin(self, epoch, logs=None):
            steps = int(self.model.optimizer.iterations)
            seen.append((epoch, steps, self.best, self.best_epoch))
            for weight in self.model.trainable_weights:
                weight.assign(weight * 3)  # so that no later epoch is better

    monkeypatch.setattr(training, "SaveBest", Spoiling)
    metrics = training.train_and_evaluate(tiny_config(), tmp_path)
    stdout = capsys.readouterr().out
    assert "Epoch 2/2" in stdout
    assert "Epoch 1/2" not in stdout
    ((epoch, steps, value, best_epoch),) = seen
    assert (epoch, steps, best_epoch) == (1, STEPS, 1)
    np.testing.assert_allclose(value, scores[0], rtol=1e-6)
    assert metrics["best_epoch"] == 1
    assert (tmp_path / "model.keras").read_bytes() == best


def test_averaged_weights_go_on_as_if_never_interrupted(tmp_path, monkeypatch):
    """With the same order each epoch and no dropout, as neither is resumed yet."""
    load = data.load_split
    monkeypatch.setattr(
        data, "load_split", lambda config, split, **_: load(config, split)
    )
    config = tiny_config(ema_momentum=0.9)
    config.model.dropout_rate = 0.0
    whole = training.train_and_evaluate(config, tmp_path / "whole")
    with monkeypatch.context() as patch, pytest.raises(PowerCutError):
        patch.setattr(training, "SaveBest", Interrupted)
        training.train_and_evaluate(config, tmp_path / "parts")
    parts = training.train_and_evaluate(config, tmp_path / "parts")
    assert parts["best_epoch"] == whole["best_epoch"] == 2
    assert parts["test_bits_per_dim"] == pytest.approx(
        whole["test_bits_per_dim"], rel=1e-6
    )


def test_a_run_killed_while_it_wrote_its_results_only_writes_them(
    tmp_path, monkeypatch, capsys
):
    def fail(*arguments, **options):
        raise PowerCutError

    with monkeypatch.context() as patch, pytest.raises(PowerCutError):
        patch.setattr(results_writing, "write_json", fail)
        training.train_and_evaluate(tiny_config(epochs=1), tmp_path)
    assert (tmp_path / "export" / "1").exists()
    capsys.readouterr()
    metrics = training.train_and_evaluate(tiny_config(epochs=1), tmp_path)
    assert "Epoch" not in capsys.readouterr().out
    assert metrics == read_metrics(tmp_path)
    assert metrics["training_seconds"] > 0
