"""Tests that checkpoints survive whatever ends a run, and that damage is seen."""

import errno
import os
import pathlib
import shutil
import types

import numpy as np
import pytest

from keras_pixelcnn.training import CheckpointStore, checkpoint_store


def content(step, size=50):
    weights = np.random.default_rng(step).normal(size=size).astype(np.float32)
    return {"layers/0/kernel": weights, "optimizer/iterations": np.int64(step)}


def save(store, *steps, best=False):
    for step in steps:
        path = store.save(step, content(step), {"epoch": step / 10}, best)
    return path


def equal(checkpoint, step):
    arrays = content(step)
    return (
        checkpoint.step == step
        and checkpoint.facts == {"epoch": step / 10}
        and list(checkpoint.arrays) == sorted(arrays)
        and all(
            np.array_equal(checkpoint.arrays[name], arrays[name]) for name in arrays
        )
    )


def steps(folder):
    """The steps of the files, in the order in which they were saved."""
    names = sorted(path.name for path in folder.glob("*.safetensors"))
    return [int(name.split("-step-")[1].removesuffix(".safetensors")) for name in names]


@pytest.fixture
def log():
    return []


@pytest.fixture
def store(tmp_path, log):
    return CheckpointStore(tmp_path / "checkpoints", log=log.append)


def test_an_empty_or_missing_folder_has_no_checkpoint(store, log):
    assert store.latest() is None and store.best() is None
    assert not store.folder.exists()
    store.folder.mkdir()
    assert store.latest() is None and store.best() is None
    assert log == []


def test_the_last_ones_are_kept(store):
    save(store, 10, 20, 30, 40, 50)
    assert steps(store.folder) == [30, 40, 50]
    assert equal(store.latest(), 50)
    assert store.best() is None


def test_the_best_is_kept_until_there_is_a_better_one(store):
    save(store, 10)
    save(store, 20, best=True)
    save(store, 30, 40, 50, 60)
    assert steps(store.folder) == [20, 40, 50, 60]
    assert equal(store.best(), 20) and equal(store.latest(), 60)
    save(store, 70, best=True)
    assert equal(store.best(), 70) and equal(store.latest(), 70)
    assert steps(store.folder) == [50, 60, 70]


def test_the_same_step_is_replaced(store):
    save(store, 10, 20)
    store.save(20, {"other": np.zeros(3)}, {"epoch": "other"})
    assert steps(store.folder) == [10, 20]
    assert store.latest().facts == {"epoch": "other"}


def test_the_best_is_not_replaced_by_one_that_is_not(store):
    save(store, 10, best=True)
    store.save(10, {}, {"again": True})
    assert store.latest().facts == {"again": True}
    assert equal(store.best(), 10)
    save(store, 10, best=True)
    assert steps(store.folder) == [10]


def test_a_run_that_went_back_goes_on_from_there(store):
    save(store, 10, 20)
    save(store, 30, 40, best=True)
    save(store, 15)
    assert equal(store.latest(), 15)
    save(store, 16, 17, best=True)
    assert steps(store.folder) == [15, 16, 17]
    assert equal(store.latest(), 17) and equal(store.best(), 17)


def test_other_files_in_the_folder_are_left_alone(store):
    store.folder.mkdir()
    names = [
        "notes.txt",
        "1-step-1.safetensors",
        "000001-step-x.safetensors",
        ".hidden",
    ]
    for name in names:
        (store.folder / name).write_text("mine")
    save(store, 1, 2, 3, 4)
    assert all((store.folder / name).read_text() == "mine" for name in names)
    assert equal(store.latest(), 4)


def _truncate(path):
    os.truncate(path, path.stat().st_size - 1)


def _append(path):
    with open(path, "ab") as file:
        file.write(b"more")


def _flip(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def _dangle(path):
    path.unlink()
    path.symlink_to("nowhere")


def _make_folder(path):
    path.unlink()
    path.mkdir()


def _take_the_one_before(path):
    shutil.copy(sorted(path.parent.glob("*.safetensors"))[0], path)


@pytest.mark.parametrize(
    "damage, words",
    [
        (_truncate, "it cannot be read: "),
        (_append, "it cannot be read: "),
        (_flip, "its arrays do not match their SHA-256 checksum"),
        (_dangle, "it is missing"),
        (_make_folder, "it is not readable (Is a directory)"),
        (_take_the_one_before, "number 1 of step 10"),
    ],
)
def test_a_damaged_one_is_named_and_the_one_before_taken(store, log, damage, words):
    save(store, 10, best=True)
    path = save(store, 20, best=True)
    damage(path)
    assert equal(store.latest(), 10) and equal(store.best(), 10)
    assert len(log) == 2
    assert log[0].startswith(f"{path} is not used: ") and words in log[0]
    assert log[1] == log[0]


def test_one_removed_by_another_process_is_no_damage(store, log, monkeypatch):
    save(store, 10)
    read = checkpoint_store.checkpoint_file.read_arrays

    def read_late(path):
        monkeypatch.undo()
        save(CheckpointStore(store.folder, keep=1), 20)
        return read(path)

    monkeypatch.setattr(checkpoint_store.checkpoint_file, "read_arrays", read_late)
    assert equal(store.latest(), 20)
    assert log == []


def test_damage_is_warned_of_when_no_other_log_is_given(tmp_path):
    store = CheckpointStore(tmp_path)
    path = save(store, 10)
    _truncate(path)
    with pytest.warns(UserWarning, match="000001-step-10.safetensors is not used"):
        assert store.latest() is None


def test_damaged_ones_make_room_for_whole_ones(store, log):
    save(store, 10, best=True)
    for path in store.folder.glob("*.safetensors"):
        path.write_bytes(b"damaged")
    save(store, 5, best=True)
    save(store, 6, 7, 8)
    assert steps(store.folder) == [5, 6, 7, 8]
    assert equal(store.best(), 5)
    assert log == []


@pytest.mark.parametrize("keep", [0, -1])
def test_at_least_one_is_kept(tmp_path, keep):
    with pytest.raises(ValueError, match=f"at least 1. Received: keep={keep}"):
        CheckpointStore(tmp_path, keep)


@pytest.mark.parametrize(
    ("step", "fact", "sentence"),
    [
        (-1, 0, "step must be an integer of at least 0"),
        (1.0, 0, "step must be an integer of at least 0"),
        (1, np.float32(1), "facts must be what JSON can hold"),
        (1, {1, 2}, "facts must be what JSON can hold"),
    ],
)
def test_steps_are_counts_and_facts_are_json(store, step, fact, sentence):
    with pytest.raises(ValueError, match=sentence):
        store.save(step, {}, {"fact": fact})
    assert store.latest() is None


def test_a_save_that_is_refused_leaves_what_there_was(store):
    save(store, 10)
    for arrays, facts in (({"a": np.array([None])}, {}), ({}, {"a": np.zeros(2)})):
        with pytest.raises(ValueError):
            store.save(20, arrays, facts)
    assert sorted(os.listdir(store.folder)) == [".lock", "000001-step-10.safetensors"]


@pytest.mark.parametrize("error", [OSError(errno.EIO, "broken"), KeyboardInterrupt()])
def test_a_save_that_fails_leaves_what_there_was(store, monkeypatch, error):
    save(store, 10)

    def fail(descriptor):
        raise error

    with monkeypatch.context() as patch, pytest.raises(type(error)) as raised:
        patch.setattr(os, "fsync", fail)
        save(store, 20)
    assert raised.value is error
    assert sorted(os.listdir(store.folder)) == [".lock", "000001-step-10.safetensors"]
    assert equal(store.latest(), 10)


def test_a_disk_without_room_is_told_before_anything_is_written(store, monkeypatch):
    save(store, 10)
    usage = types.SimpleNamespace(free=123)
    monkeypatch.setattr(checkpoint_store.shutil, "disk_usage", lambda path: usage)
    monkeypatch.setattr(checkpoint_store.checkpoint_file, "write", pytest.fail)
    with pytest.raises(OSError, match="123 bytes free") as raised:
        save(store, 20)
    assert raised.value.errno == errno.ENOSPC
    assert f"{store.folder} must have room" in str(raised.value)
    assert "of at least 208 bytes" in str(raised.value)
    assert equal(store.latest(), 10)


def test_an_old_one_that_cannot_be_removed_is_named(store, log):
    path = save(store, 1)
    _make_folder(path)
    save(store, 2, 3, 4, best=True)
    assert log == [f"{path} could not be removed: Is a directory."]
    assert equal(store.latest(), 4)


def test_one_that_cannot_be_read_may_be_the_best_and_stays(store, log):
    path = save(store, 1)
    _make_folder(path)
    save(store, 2, 3, 4, 5)
    assert log == [] and path.exists()


def test_each_thing_is_on_the_disk_before_the_next_depends_on_it(store, monkeypatch):
    save(store, 1, 2, 3)
    calls = []
    replace, fsync, unlink = os.replace, os.fsync, pathlib.Path.unlink

    def record(name, function):
        def call(path, *arguments, **options):
            calls.append((name, pathlib.Path(path).name))
            return function(path, *arguments, **options)

        return call

    def write_to_disk(descriptor):
        name = pathlib.Path(os.readlink(f"/proc/self/fd/{descriptor}")).name
        calls.append(("fsync", name))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", write_to_disk)
    monkeypatch.setattr(os, "replace", record("replace", replace))
    monkeypatch.setattr(pathlib.Path, "unlink", record("unlink", unlink))
    save(store, 4)
    assert calls == [
        ("unlink", ".checkpoint.part"),
        ("fsync", "000004-step-4.safetensors"),
        ("replace", "000004-step-4.safetensors"),
        ("fsync", store.folder.name),
        ("fsync", store.folder.parent.name),
        ("unlink", "000001-step-1.safetensors"),
    ]
