"""Tests of versions: found, loaded, switched to under load, unloaded; broken ones."""

import contextlib
import shutil
import threading
import time
import weakref

import grpc
import numpy as np
import pytest
import tensorflow as tf

from savedmodels.server import LocalServer
from savedmodels.server.errors import ServingError
from savedmodels.server.model_versions import ModelVersions, State
from tests.savedmodels.server.calls import Grpc, Rest, wait_for
from tests.savedmodels.server.plain_models import save_plain, started


class _Version:
    """What a version's folder becomes, for tests of when it is loaded."""

    def __init__(self, path):
        if (path / "broken").exists():
            message = f"{path.name} must be whole."
            raise ServingError(grpc.StatusCode.FAILED_PRECONDITION, message)
        self.number = int(path.name)


def _folders(base, *names, broken=False):
    for name in names:
        (base / str(name)).mkdir()
        if broken:
            (base / str(name) / "broken").touch()


def _states(versions):
    return {x.version: x.state for x in versions.status().model_version_status}


def _served(versions):
    with contextlib.suppress(ServingError):
        return versions.get().number


@pytest.fixture
def versions(tmp_path):
    return ModelVersions("m", tmp_path, _Version)


def test_the_latest_version_replaces_the_older_one(versions, tmp_path):
    _folders(tmp_path, 1, 2, "10", "hidden", ".3", "4.part", 2**63, "9" * 20)
    (tmp_path / "11").write_text("a file")
    assert versions.poll()
    assert _served(versions) == 10
    assert not versions.poll()
    _folders(tmp_path, 12)
    assert versions.poll()
    assert _states(versions) == {12: State.AVAILABLE, 10: State.END}
    with pytest.raises(ServingError, match=r"not found.*Specific\(m, 10\).* 12"):
        versions.get(10)
    shutil.rmtree(tmp_path / "12")
    versions.poll()
    assert _served(versions) == 10


def test_a_broken_version_replaces_nothing_and_is_reported(versions, tmp_path):
    _folders(tmp_path, 1)
    versions.poll()
    _folders(tmp_path, 3, broken=True)
    assert not versions.poll()
    assert _served(versions) == 1
    failed = versions.status().model_version_status[0]
    assert (failed.version, failed.state) == (3, State.END)
    assert failed.status.error_message == "3 must be whole."


def test_after_a_restart_the_newest_that_loads_is_served(versions, tmp_path):
    """Once there was none: 404 beside a version that could be served."""
    _folders(tmp_path, 1, 2)
    _folders(tmp_path, 3, 4, broken=True)
    versions.poll()
    assert _served(versions) == 2
    expected = {4: State.END, 3: State.END, 2: State.AVAILABLE}
    assert _states(versions) == expected
    versions.poll()
    assert _states(versions) == expected
    (tmp_path / "3" / "broken").unlink()
    versions.poll()
    assert _served(versions) == 3


def test_a_broken_version_is_tried_again_when_its_files_change(versions, tmp_path):
    _folders(tmp_path, 1, broken=True)
    assert not versions.poll()
    assert _served(versions) is None
    (tmp_path / "1" / "broken").unlink()
    versions.poll()
    assert _served(versions) == 1


def test_the_last_version_stays_when_the_folder_is_emptied(versions, tmp_path):
    _folders(tmp_path, 2**63 - 1)
    versions.poll()
    shutil.rmtree(tmp_path / f"{2**63 - 1}")
    versions.poll()
    assert _served(versions) == 2**63 - 1


def test_a_folder_that_is_deleted_just_now_ends_nothing(
    versions, tmp_path, monkeypatch
):
    _folders(tmp_path, 1)
    found = versions._find()
    shutil.rmtree(tmp_path / "1")
    monkeypatch.setattr(versions, "_find", lambda: found)
    assert not versions.poll()
    _folders(tmp_path, 1)
    assert versions.poll()


def test_what_is_not_loaded_yet_is_unavailable(versions, tmp_path):
    _folders(tmp_path, 1)
    with pytest.raises(ServingError) as failed:
        versions.get()
    assert failed.value.code is grpc.StatusCode.UNAVAILABLE


@pytest.fixture
def base(tmp_path):
    save_plain(tmp_path, 1, factor=1.0)
    return tmp_path


def _ask_until(ended, ask, answers):
    while not ended.is_set():
        answers.append(ask())


def _under_load(server, change):
    """What clients of both protocols were answered while something changed."""
    rest, call = Rest(server, "m"), Grpc(server, "m")
    x = np.ones((1, 2), np.float32)
    asks = [
        lambda: rest.answer({"instances": [[1, 1]]})["predictions"][0][0],
        lambda: float(call.answer(x=x)["y"][0, 0]),
    ] * 4
    ended, all_answers = threading.Event(), [[] for _ in asks]
    threads = [
        threading.Thread(target=_ask_until, args=(ended, *pair))
        for pair in zip(asks, all_answers)
    ]
    for thread in threads:
        thread.start()
    change()
    # Each is answered once more, however busy the machine is; or its thread has ended.
    counts = [len(answers) for answers in all_answers]
    for thread, answers, count in zip(threads, all_answers, counts):
        wait_for(lambda: len(answers) > count + 1 or not thread.is_alive())  # noqa: B023
    ended.set()
    for thread in threads:
        thread.join()
    call.channel.close()
    return all_answers


def _rest_states(rest):
    statuses = rest.get().json()["model_version_status"]
    return {status["version"]: status["state"] for status in statuses}


def test_a_new_version_appears_under_load(base):
    with started(base, poll_seconds=0.05) as server:
        rest = Rest(server, "m")

        def change():
            time.sleep(0.2)
            save_plain(base, 2, factor=2.0)
            server.wait_until_available("m", version=2)
            wait_for(lambda: _rest_states(rest)["1"] == "END")

        # An answer that fails ends its thread, and then has no 2.0 at its end.
        for answers in _under_load(server, change):
            assert set(answers) == {1.0, 2.0}
            assert answers == sorted(answers)
        assert (
            rest.post({"instances": [[1, 1]]}, "/versions/1:predict").status_code == 404
        )


@pytest.mark.parametrize("damage", ["cut", "missing"])
def test_files_that_are_damaged_are_reported_in_a_sentence(base, damage):
    """Once it was "IndexError: Read less bytes than requested", and no more."""
    (data,) = (base / "1" / "variables").glob("*.data*")
    if damage == "cut":
        data.write_bytes(data.read_bytes()[:-2])
    else:
        data.unlink()
    rule = "version 1: The files of a version must be whole. Publish it again."
    with LocalServer({"m": base}) as server:
        with pytest.raises(ValueError, match=rule):
            server.wait_until_available("m")


def test_a_version_without_signatures_is_reported_and_ends_nothing(base, tmp_path):
    """Once it ended the thread that looks for the versions of all models."""
    other = tmp_path / "other"
    tf.saved_model.save(tf.Module(), str(other / "1"))
    with LocalServer({"n": other, "m": base}, poll_seconds=0.05) as server:
        with pytest.raises(ValueError, match=r"must have signatures.*which has none"):
            server.wait_until_available("n")
        save_plain(base, 2, factor=2.0)
        server.wait_until_available("m", version=2)


def test_what_one_model_raises_ends_no_other_poll(base, monkeypatch):
    with started(base, poll_seconds=0.05) as server:
        monkeypatch.setattr(server._registry.model("m"), "poll", lambda: 1 / 0)
        time.sleep(0.2)
        monkeypatch.undo()
        save_plain(base, 2, factor=2.0)
        server.wait_until_available("m", version=2)


def test_an_older_version_is_let_go_of(base):
    with started(base, poll_seconds=0.05) as server:
        older = weakref.ref(server._registry.model("m").get())
        Rest(server, "m").answer({"instances": [[1, 1]]})
        save_plain(base, 2, factor=2.0)
        server.wait_until_available("m", version=2)
        wait_for(lambda: older() is None)
