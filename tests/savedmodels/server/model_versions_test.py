"""Tests of versions: found, loaded, switched to under load, unloaded; broken ones."""

import shutil
import threading
import time

import grpc
import numpy as np
import pytest

from savedmodels.server import LocalServer, ModelConfig
from savedmodels.server.errors import ServingError
from savedmodels.server.model_versions import ModelVersions
from savedmodels.server.version_status import State
from tests.savedmodels.server.calls import Grpc, Rest
from tests.savedmodels.server.plain_models import save_broken, save_plain


class _Version:
    """What a version's folder becomes, for tests of when it is loaded."""

    def __init__(self, path):
        if (path / "broken").exists():
            raise ValueError(f"{path.name} must be whole.")
        self.path, self.closed = path, False

    def close(self, wait=True):
        self.closed = True


def _folders(base, *names):
    for name in names:
        (base / str(name)).mkdir()


def _versions(base, **config):
    return ModelVersions("m", ModelConfig(base, **config), _Version)


def _states(versions):
    return {status.version: status.state for status in versions.statuses()}


def test_the_latest_version_replaces_the_older_one(tmp_path):
    _folders(tmp_path, 1, 2, "10", "hidden", ".3", "4.part", 2**63, "9" * 20)
    (tmp_path / "11").write_text("a file")
    versions = _versions(tmp_path)
    assert versions.poll()
    assert versions.available() == [10]
    assert not versions.poll()
    _folders(tmp_path, 12)
    assert versions.poll()
    assert _states(versions) == {12: State.AVAILABLE, 10: State.END}
    shutil.rmtree(tmp_path / "12")
    versions.poll()
    assert versions.available() == [10]


def test_a_version_in_use_is_unloaded_after_its_last_request(tmp_path):
    _folders(tmp_path, 1)
    versions = _versions(tmp_path)
    versions.poll()
    with versions.lease() as first, versions.lease(1):
        served = first.served
        _folders(tmp_path, 2)
        versions.poll()
        assert _states(versions) == {2: State.AVAILABLE, 1: State.UNLOADING}
        assert not served.closed
        with versions.lease() as second:
            assert second.version == 2
        with pytest.raises(ServingError, match="not found"), versions.lease(1):
            pass
    assert served.closed
    assert _states(versions)[1] == State.END


def test_a_broken_version_replaces_nothing_and_is_told_of(tmp_path):
    _folders(tmp_path, 1, 2)
    (tmp_path / "2" / "broken").touch()
    versions = _versions(tmp_path)
    versions.poll()
    assert versions.available() == []
    shutil.rmtree(tmp_path / "2")
    versions.poll()
    _folders(tmp_path, 3)
    (tmp_path / "3" / "broken").touch()
    versions.poll()
    assert versions.available() == [1]
    failed = versions.statuses()[0]
    assert (failed.version, failed.state) == (3, State.END)
    assert failed.error.message == "3 must be whole."


def test_a_broken_version_counts_as_one_of_the_latest(tmp_path):
    _folders(tmp_path, 1, 2)
    versions = _versions(tmp_path, latest=2)
    versions.poll()
    assert versions.available() == [1, 2]
    _folders(tmp_path, 3)
    (tmp_path / "3" / "broken").touch()
    versions.poll()
    assert versions.available() == [2]
    _folders(tmp_path, 4)
    (tmp_path / "4" / "broken").touch()
    versions.poll()
    assert versions.available() == [2]


def test_the_largest_number_that_protocols_carry_is_a_version(tmp_path):
    _folders(tmp_path, 1, 2**63 - 1)
    versions = _versions(tmp_path)
    versions.poll()
    assert versions.available() == [2**63 - 1]


def test_a_broken_version_is_tried_again_when_its_files_change(tmp_path):
    _folders(tmp_path, 1)
    (tmp_path / "1" / "broken").touch()
    versions = _versions(tmp_path)
    versions.poll()
    assert not versions.poll()
    (tmp_path / "1" / "broken").unlink()
    versions.poll()
    assert versions.available() == [1]


def test_the_last_versions_stay_when_the_folder_is_emptied(tmp_path):
    _folders(tmp_path, 1)
    versions = _versions(tmp_path)
    versions.poll()
    shutil.rmtree(tmp_path / "1")
    versions.poll()
    assert versions.available() == [1]


def test_versions_that_are_chosen(tmp_path):
    _folders(tmp_path, 1, 2, 3, 4)
    for config, chosen in [
        ({}, [4]),
        ({"latest": 2}, [3, 4]),
        ({"latest": None}, [1, 2, 3, 4]),
        ({"specific": (1, 3, 9)}, [1, 3]),
    ]:
        versions = _versions(tmp_path, **config)
        versions.poll()
        assert versions.available() == chosen


def test_labels(tmp_path):
    _folders(tmp_path, 1, 2)
    labels = {"stable": 1, "canary": 2, "gone": 7}
    versions = _versions(tmp_path, latest=None, version_labels=labels)
    versions.poll()
    for label, version in [("stable", 1), ("canary", 2)]:
        with versions.lease(label=label) as loaded:
            assert loaded.version == version
    with pytest.raises(ServingError, match=r"Specific\(m, 7\)"):
        versions.lease(label="gone").__enter__()
    with pytest.raises(ServingError, match=r"label: 'new'.*canary, gone, stable"):
        versions.lease(label="new").__enter__()
    with pytest.raises(ServingError, match="a version or a label, not both"):
        versions.lease(1, "stable").__enter__()


def test_what_is_not_loaded_yet_is_unavailable(tmp_path):
    _folders(tmp_path, 1)
    versions = _versions(tmp_path)
    with pytest.raises(ServingError) as failed:
        versions.lease().__enter__()
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
    ended.set()
    for thread in threads:
        thread.join()
    call.channel.close()
    return all_answers


def _wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def _rest_states(rest):
    statuses = rest.get().json()["model_version_status"]
    return {status["version"]: status["state"] for status in statuses}


def test_a_new_version_appears_under_load(base):
    with LocalServer({"m": base}, poll_seconds=0.05) as server:
        server.wait_until_available("m")
        rest = Rest(server, "m")

        def change():
            time.sleep(0.2)
            save_plain(base, 2, factor=2.0)
            server.wait_until_available("m", version=2)
            _wait_for(lambda: _rest_states(rest)["1"] == "END")
            time.sleep(0.2)

        # An answer that fails ends its thread, and then has no 2.0 at its end.
        for answers in _under_load(server, change):
            assert set(answers) == {1.0, 2.0}
            assert answers == sorted(answers)
        assert (
            rest.post({"instances": [[1, 1]]}, "/versions/1:predict").status_code == 404
        )


def test_a_broken_version_appears_under_load(base):
    with LocalServer({"m": base}, poll_seconds=0.05) as server:
        server.wait_until_available("m")
        rest = Rest(server, "m")

        def change():
            save_broken(base, 2)
            _wait_for(lambda: "2" in _rest_states(rest))
            _wait_for(lambda: _rest_states(rest)["2"] == "END")
            time.sleep(0.1)

        for answers in _under_load(server, change):
            assert set(answers) == {1.0}
        broken, whole = rest.get().json()["model_version_status"]
        assert (whole["version"], whole["state"]) == ("1", "AVAILABLE")
        assert broken["version"] == "2" and broken["status"]["error_code"] != "OK"
        assert broken["status"]["error_message"]
        with pytest.raises(ValueError, match="version 2: "):
            server.wait_until_available("m", version=2)


def test_versions_and_labels_are_served_side_by_side(base):
    save_plain(base, 2, factor=2.0)
    config = ModelConfig(base, latest=None, version_labels={"stable": 1, "canary": 2})
    with LocalServer({"m": config}) as server:
        server.wait_until_available("m", version=1)
        server.wait_until_available("m", version=2)
        rest = Rest(server, "m")
        body = {"instances": [[1, 1]]}
        for path, factor in [
            ("/versions/1", 1),
            ("/versions/2", 2),
            ("/labels/stable", 1),
            ("/labels/canary", 2),
            ("", 2),
        ]:
            answer = rest.answer(body, f"{path}:predict")
            assert answer == {"predictions": [[factor, factor]]}
        (status,) = rest.get("/labels/stable").json()["model_version_status"]
        assert status["version"] == "1"
        metadata = rest.get("/labels/stable/metadata").json()
        assert metadata["model_spec"]["version"] == "1"
