"""Tests of two processes that train together, through the trainer's command line."""

import json
import socket
import time

import numpy as np
import pytest

from keras_pixelcnn.training import CheckpointStore
from tests.forked import Forked
from tests.trainers.tiny_run import read_metrics

STEPS = 40
TINY = (
    "--config=trainers/configs/digits.py",
    "--config.model.filters=2",
    "--config.model.num_blocks=1",
    "--config.model.dropout_rate=0.0",
    f"--config.steps={STEPS}",
    "--config.learning_rate=0.02",
    "--config.ema_momentum=0.9",
    "--config.clip_norm=0.1",
    "--config.checkpoint_every=2",
    "--config.num_samples=1",
    "--config.sample_every=0",
)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("localhost", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Workers:
    """Two processes of one run, of which the first writes."""

    def __init__(self, workdir):
        cluster = {"worker": [f"localhost:{port}" for port in free_ports(2)]}
        self.processes = [
            Forked(
                *("tests.trainers.runs.train_lightly", *TINY, f"--workdir={workdir}"),
                "--strategy=multi_worker",
                environment={
                    "TF_CONFIG": json.dumps(
                        {"cluster": cluster, "task": {"type": "worker", "index": index}}
                    ),
                },
            )
            for index in range(2)
        ]

    def wait(self):
        """What each wrote; all must end well."""
        ended = [process.wait(timeout=120) for process in self.processes]
        texts = [each.stdout + each.stderr for each in ended]
        for each, text in zip(ended, texts):
            assert each.returncode == 0, text
        return texts

    def kill(self):
        for process in self.processes:
            process.kill()


def wait_for_step(workdir, step):
    store, deadline = CheckpointStore(workdir / "checkpoints"), time.monotonic() + 100
    while time.monotonic() < deadline:
        names = [path.stem for path in store.folder.glob("*-step-*.safetensors")]
        if any(int(name.rpartition("-")[2]) >= step for name in names):
            return
        time.sleep(0.01)
    raise TimeoutError


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """The run of two workers that nobody kills."""
    workdir = tmp_path_factory.mktemp("runs") / "together"
    texts = Workers(workdir).wait()
    assert "Everything is in" in texts[0]
    assert "Epoch" not in texts[1]
    return workdir


def arrays(workdir):
    saved = CheckpointStore(workdir / "checkpoints").latest()
    assert saved.step == STEPS
    return saved.arrays


@pytest.mark.slow
def test_two_workers_train_as_one_device(together, tmp_path):
    program = (
        "tests.trainers.runs.train_lightly",
        *TINY,
        f"--workdir={tmp_path / 'one'}",
    )
    assert Forked(*program).wait().returncode == 0
    ours, theirs = arrays(together), arrays(tmp_path / "one")
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        np.testing.assert_allclose(value, theirs[name], atol=1e-4, err_msg=name)
    scores = [
        read_metrics(each)["test_bits_per_dim"] for each in (together, tmp_path / "one")
    ]
    assert scores[0] == pytest.approx(scores[1], rel=1e-5)


@pytest.mark.slow
def test_a_run_of_which_a_worker_died_ends_as_if_it_had_not(together, tmp_path):
    workers = Workers(tmp_path)
    try:
        wait_for_step(tmp_path, 8)
        workers.processes[1].kill()
        first = workers.processes[0].wait(timeout=100)
    finally:
        workers.kill()
    assert first.returncode == 1
    assert "error: Another worker is gone, and none can go on alone." in first.stderr
    assert CheckpointStore(tmp_path / "checkpoints").latest().step < STEPS
    assert "Going on after step" in Workers(tmp_path).wait()[0]
    ours, theirs = arrays(tmp_path), arrays(together)
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name], name)


@pytest.mark.slow
def test_sigterm_of_one_worker_stops_both_at_the_same_step(tmp_path):
    workers = Workers(tmp_path)
    try:
        wait_for_step(tmp_path, 2)
        workers.processes[1].terminate()
        texts = workers.wait()
    finally:
        workers.kill()
    assert "Stopped by SIGTERM after step" in texts[0]
    step = CheckpointStore(tmp_path / "checkpoints").latest().step
    assert f"after step {step} of {STEPS}" in texts[0]
