"""Tests that an interrupted run goes on where it was, through the trainer."""

import json
import os
import signal

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.models import load_model
from keras_pixelcnn.training import Evaluation, TrainStep, strategies
from tests.trainers.runs.power_cut import PowerCutError, power_cut
from tests.trainers.tiny_run import read_log, read_metrics, tiny_config
from trainers.image_models import results, training

pytestmark = pytest.mark.usefixtures("no_results")


@pytest.fixture
def cut_power(monkeypatch):
    """Ends a run before a step."""

    def cut(config, workdir, step):
        with power_cut(monkeypatch, step):
            training.train_and_evaluate(config, workdir)

    return cut


STEPS = 6
"""Of an epoch."""


def config_of_labels():
    """Labels, dropout of both kinds, an average, flips and balanced classes."""
    config = tiny_config(
        batch_size=1437 // STEPS,
        ema_momentum=0.9,
        sampling="class_balanced",
        horizontal_flips=True,
        checkpoint_every=2,
    )
    config.model.update(dropout_rate=0.3)
    config.model.num_classes = 10
    config.model.condition_dropout = 0.2
    return config


def test_a_run_goes_on_inside_its_epoch(tmp_path, cut_power, capsys):
    config = config_of_labels()
    whole = training.train_and_evaluate(config, tmp_path / "whole")
    cut_power(config, tmp_path / "parts", STEPS + 5)
    assert not (tmp_path / "parts" / "metrics.json").exists()
    capsys.readouterr()
    parts = training.train_and_evaluate(config, tmp_path / "parts")
    stdout = capsys.readouterr().out
    assert f"Going on after step {STEPS + 4} of {2 * STEPS}" in stdout
    assert "Epoch 2/2" in stdout
    assert "Epoch 1/2" not in stdout
    ours, theirs = (
        load_model(tmp_path / each / "model.keras") for each in ("whole", "parts")
    )
    for weight, other in zip(ours.get_weights(), theirs.get_weights()):
        np.testing.assert_allclose(weight, other, atol=1e-6)
    assert parts["best_epoch"] == whole["best_epoch"]
    for run in ("whole", "parts"):
        rows = read_log(tmp_path / run / "logs" / "train", "bits_per_dim")
        assert set(rows) == {STEPS, 10, 2 * STEPS}


@pytest.mark.op_by_op
def test_a_stream_goes_on_inside_its_epoch(tmp_path, cut_power):
    config = tiny_config(cache=False, steps=4, checkpoint_every=2)
    whole = training.train_and_evaluate(config, tmp_path / "whole")
    cut_power(config, tmp_path / "parts", 4)
    parts = training.train_and_evaluate(config, tmp_path / "parts")
    assert parts["test_bits_per_dim"] == pytest.approx(
        whole["test_bits_per_dim"], rel=1e-6
    )


@pytest.mark.op_by_op
def test_a_run_killed_while_it_wrote_its_results_only_writes_them(
    tmp_path, monkeypatch, capsys
):
    def fail(*arguments, **options):
        raise PowerCutError

    with monkeypatch.context() as patch, pytest.raises(PowerCutError):
        patch.setattr(results, "write_json", fail)
        training.train_and_evaluate(tiny_config(steps=2), tmp_path)
    assert (tmp_path / "export" / "1").exists()
    capsys.readouterr()
    metrics = training.train_and_evaluate(tiny_config(steps=2), tmp_path)
    assert "Epoch" not in capsys.readouterr().out
    assert metrics == read_metrics(tmp_path)
    assert metrics["training_seconds"] > 0


@pytest.mark.op_by_op
def test_a_second_run_in_the_folder_is_refused_and_the_first_goes_on(
    tmp_path, monkeypatch
):
    config = tiny_config(steps=2)
    call, refused = TrainStep.__call__, []

    def interrupted(self, *arguments):
        if not refused:
            with pytest.raises(ValueError, match="Another run is training in") as error:
                training.train_and_evaluate(config, tmp_path)
            refused.append(str(error.value))
        return call(self, *arguments)

    monkeypatch.setattr(TrainStep, "__call__", interrupted)
    assert training.train_and_evaluate(config, tmp_path)["steps"] == 2
    (sentence,) = refused
    assert str(tmp_path) in sentence
    rows = [
        json.loads(x) for x in (tmp_path / "history.jsonl").read_text().split("\n")[:-1]
    ]
    assert [row["step"] for row in rows] == [2]


@pytest.mark.parametrize(
    ("number", "name"), [(signal.SIGTERM, "SIGTERM"), (signal.SIGINT, "Ctrl-C")]
)
@pytest.mark.op_by_op
def test_a_signal_in_the_last_validation_is_not_forgotten(
    tmp_path, monkeypatch, capsys, number, name
):
    score = Evaluation.score

    def interrupted(self, batches):
        os.kill(os.getpid(), number)
        return score(self, batches)

    config = tiny_config(steps=2)
    with monkeypatch.context() as patch, pytest.raises(SystemExit) as stop:
        patch.setattr(Evaluation, "score", interrupted)
        training.train_and_evaluate(config, tmp_path)
    assert stop.value.code == 0
    assert f"Stopped by {name}." in capsys.readouterr().out
    assert not (tmp_path / "metrics.json").exists()
    assert training.train_and_evaluate(config, tmp_path)["best_epoch"] == 1


@pytest.mark.op_by_op
def test_a_worker_that_is_lost_while_results_are_written_is_told(tmp_path, monkeypatch):
    def lose(strategy):
        monkeypatch.setattr(strategies, "is_multi_worker", lambda strategy: True)
        raise tf.errors.UnavailableError(None, None, "gone")

    monkeypatch.setattr(strategies, "wait_for_all", lose)
    with pytest.raises(ConnectionError, match="Another worker is gone"):
        training.train_and_evaluate(tiny_config(steps=2), tmp_path)


@pytest.mark.op_by_op
def test_a_worker_that_leaves_first_once_all_is_written_harms_nobody(
    tmp_path, monkeypatch
):
    left = []

    def lose(strategy):
        if (tmp_path / "metrics.json").exists():
            left.append(strategy)
            monkeypatch.setattr(strategies, "is_multi_worker", lambda strategy: True)
            raise tf.errors.UnavailableError(None, None, "gone")

    monkeypatch.setattr(strategies, "wait_for_all", lose)
    metrics = training.train_and_evaluate(tiny_config(steps=2), tmp_path)
    assert left
    assert metrics["best_epoch"] == 1
