"""Tests that a run that is killed and started again ends as if it never had been."""

import collections
import json
import pathlib
import random
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from keras_pixelcnn.training import CheckpointStore
from tests.training.forked_runs import STEPS

ROOT = pathlib.Path(__file__).parents[2]
TIMES = {"seconds", "images_per_second"}


class Runs:
    """Runs in processes of their own."""

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.training.forked_runs"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout.readline() == "ready\n"

    def __call__(self, workdir, **command):
        """How a run ended: its exit code, or less than 0 the signal that killed it."""
        command = json.dumps({"workdir": str(workdir), **command})
        print(command, file=self._process.stdin)
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture(scope="module")
def run():
    runs = Runs()
    yield runs
    runs.close()


@pytest.fixture(scope="module")
def whole(run, tmp_path_factory):
    """The run that is never killed."""
    workdir = tmp_path_factory.mktemp("runs") / "whole"
    assert run(workdir) == 0
    return workdir


def history(workdir):
    rows = map(json.loads, (workdir / "history.jsonl").read_text().splitlines())
    return [
        {name: row[name] for name in sorted(row) if name not in TIMES} for row in rows
    ]


def events(workdir):
    """How often each tag stands at each step, over all event files."""
    found = collections.Counter()
    for path in (workdir / "logs").rglob("*.tfevents.*"):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                found[path.parent.name, value.tag, event.step] += 1
    return found


def assert_same_run(ours, theirs):
    """All weights, slots, averages and seeds to the last bit; all that is told."""
    last, other = (
        CheckpointStore(each / "checkpoints").latest() for each in (ours, theirs)
    )
    assert last.step == other.step == STEPS
    assert last.arrays.keys() == other.arrays.keys()
    for name, value in last.arrays.items():
        np.testing.assert_array_equal(value, other.arrays[name], name)
    facts = [{**each.facts, "seconds": 0} for each in (last, other)]
    assert facts[0] == facts[1]
    models = [keras.models.load_model(each / "model.keras") for each in (ours, theirs)]
    for weight, same in zip(*(model.get_weights() for model in models)):
        np.testing.assert_array_equal(weight, same)
    assert history(ours) == history(theirs)
    found, expected = events(ours), events(theirs)
    for times in {key for key in {*found, *expected} if "images_per" in key[1]}:
        assert found.pop(times, 1) == expected.pop(times, 1) == 1
    assert found == expected
    assert set(found.values()) == {1}


@pytest.mark.slow
def test_six_kills_at_random_moments_change_nothing(run, whole, tmp_path):
    """By time, and in the middle of operations on files: of checkpoints, of logs."""
    chance = random.Random(6)
    for moment in range(6):
        if moment % 2:
            kill = {"operation": chance.randint(1, 60)}
        else:
            kill = {"seconds": chance.uniform(0, 0.25)}
        assert run(tmp_path, **kill) in (-9, 0)
    assert run(tmp_path) == 0
    assert_same_run(tmp_path, whole)


def test_signals_save_and_the_run_goes_on(run, whole, tmp_path):
    stopped = [0]
    for name in ("SIGTERM", "SIGINT"):
        assert run(tmp_path, seconds=0.01, signal=name) == 0
        stopped.append(CheckpointStore(tmp_path / "checkpoints").latest().step)
    assert 0 < stopped[1] < stopped[2] < STEPS
    assert run(tmp_path) == 0
    assert_same_run(tmp_path, whole)


def test_a_step_that_is_not_finite_stops_with_the_state_before_it(run, whole, tmp_path):
    assert run(tmp_path, nan_at=[5]) == 3
    assert CheckpointStore(tmp_path / "checkpoints").latest().step == 4
    assert run(tmp_path) == 0  # the step is taken again, on what it should be
    assert_same_run(tmp_path, whole)


def test_steps_that_are_not_finite_are_skipped_and_counted(run, tmp_path):
    assert run(tmp_path, nan_at=[5, 9], on_nonfinite="skip") == 0
    saved = CheckpointStore(tmp_path / "checkpoints").latest()
    assert saved.step == STEPS
    assert saved.facts["num_skipped"] == 2
    assert all(np.isfinite(value).all() for value in saved.arrays.values())


def test_a_run_that_version_0_1_0_began_goes_on(run, whole, tmp_path):
    """Its checkpoints have another format: they are read, and new ones written."""
    workdir = shutil.copytree(ROOT / "tests" / "data" / "0.1.0" / "run", tmp_path / "x")
    assert CheckpointStore(workdir / "checkpoints").latest().step == 4
    assert run(workdir) == 0
    last, other = (
        CheckpointStore(each / "checkpoints").latest() for each in (workdir, whole)
    )
    assert last.arrays.keys() == other.arrays.keys()
    for name, value in last.arrays.items():
        # Its first steps were taken on another machine.
        np.testing.assert_allclose(value, other.arrays[name], atol=1e-4, err_msg=name)
    assert [row["step"] for row in history(workdir)] == [*range(2, STEPS + 1, 2)]


def flip_last_byte(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_an_older_best_does_not_replace_the_model_where_the_best_is_damaged(
    run, whole, tmp_path
):
    workdir = shutil.copytree(whole, tmp_path / "run")
    store = CheckpointStore(workdir / "checkpoints")
    best, last = store.best(), store.latest()
    flip_last_byte(best.path)
    older = {name: np.zeros_like(value) for name, value in last.arrays.items()}
    store.save(1, older, last.facts, best=True)
    store.save(last.step, last.arrays, last.facts)
    assert run(workdir) == 0
    models = [
        keras.models.load_model(each / "model.keras") for each in (workdir, whole)
    ]
    for weight, same in zip(*(model.get_weights() for model in models)):
        np.testing.assert_array_equal(weight, same)


def test_a_run_whose_checkpoints_are_all_damaged_is_left_alone(run, whole, tmp_path):
    workdir = shutil.copytree(whole, tmp_path / "run")
    for path in (workdir / "checkpoints").glob("*.safetensors"):
        flip_last_byte(path)
    files = [path for path in workdir.rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in files}
    assert run(workdir) == 1
    assert before == {path: path.read_bytes() for path in files}
