"""Tests of whose folder a folder is."""

import errno
import json
import os
import time

import pytest
import tensorflow as tf

from keras_pixelcnn.files import read_json
from tests.forked import Forked
from trainers.configs import autoencoder_digits, digits
from trainers.runs.config import ADDED_LATER
from trainers.runs.run_folder import RunFolder, full_disk_explained

CONFIG = {"epochs": 2, "image_size": (8, 8), "data_dir": None, "model": {"filters": 4}}


def test_a_new_folder_takes_the_config(tmp_path):
    folder = RunFolder(tmp_path / "runs" / "new")
    folder.claim(CONFIG)
    written = json.loads(folder.config.read_text())
    assert written == {**CONFIG, "image_size": [8, 8]}


def test_checking_writes_nothing(tmp_path):
    RunFolder(tmp_path / "new").check(CONFIG)
    assert list(tmp_path.iterdir()) == []


def test_the_same_config_is_welcome_again(tmp_path):
    for _ in range(2):
        RunFolder(tmp_path).claim(CONFIG)


def test_differing_fields_are_named_nested_and_missing_ones_too(tmp_path):
    RunFolder(tmp_path).claim(CONFIG)
    before = (tmp_path / "config.json").read_bytes()
    other = {**CONFIG, "model": {"filters": 8}, "seed": 1}
    with pytest.raises(ValueError) as error:
        RunFolder(tmp_path).claim(other)
    assert (
        "another config: model.filters is 4 there, 8 now; seed is 'absent' there, 1 now"
    ) in str(error.value)
    assert "epochs" not in str(error.value)
    assert (tmp_path / "config.json").read_bytes() == before


def test_a_run_from_before_some_fields_were_there_goes_on(tmp_path):
    config = digits.get_config().to_dict()
    older = {name: config[name] for name in config if name not in ADDED_LATER}
    assert len(older) < len(config)
    RunFolder(tmp_path).claim(older)
    RunFolder(tmp_path).check(config)
    with pytest.raises(ValueError, match=r"mutation_rate is 0\.0 there, 0\.3 now"):
        RunFolder(tmp_path).check({**config, "mutation_rate": 0.3})


def test_so_does_one_from_before_fields_inside_of_others(tmp_path):
    config = autoencoder_digits.get_config().to_dict()
    older = autoencoder_digits.get_config().to_dict()
    for name in ("begins_with_mse", "guidance_scale", "top_p"):
        del older["autoencoder"][name]
    del older["model"]["condition_dropout"]
    RunFolder(tmp_path).claim(older)
    RunFolder(tmp_path).check(config)
    config["model"]["condition_dropout"] = 0.2
    with pytest.raises(ValueError, match=r"condition_dropout is 0\.0 there, 0\.2 now"):
        RunFolder(tmp_path).check(config)


def test_a_run_whose_config_is_lost_is_left_alone(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(ValueError, match=r"not its config\.json"):
        RunFolder(tmp_path).claim(CONFIG)
    assert not (tmp_path / "config.json").exists()


def test_files_of_the_users_do_no_harm(tmp_path):
    (tmp_path / "output.txt").touch()
    RunFolder(tmp_path).claim(CONFIG)


@pytest.mark.parametrize("content", ["[1]", "5", "null"])
def test_a_config_that_is_none_is_named(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ValueError, match=r"config\.json must hold .* Received"):
        RunFolder(tmp_path).check(CONFIG)


def test_damaged_json_is_named(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text('{"best_')
    with pytest.raises(ValueError, match=r"metrics\.json must hold JSON"):
        read_json(path)


@pytest.mark.parametrize(
    "full",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        tf.errors.ResourceExhaustedError(None, None, "a.pb; No space left on device"),
    ],
)
def test_a_full_disk_is_told_with_the_folder_and_what_to_do(tmp_path, full):
    with pytest.raises(OSError, match=r"No space left .* the same command") as told:
        with full_disk_explained(tmp_path):
            raise full
    assert str(tmp_path) in str(told.value)
    with pytest.raises(OSError) as again, full_disk_explained(tmp_path):
        raise told.value
    assert again.value is told.value
    with pytest.raises(FileNotFoundError), full_disk_explained(tmp_path):
        raise FileNotFoundError(errno.ENOENT, "gone")


# Two runs in one folder.


def test_a_folder_has_one_run_at_a_time(tmp_path):
    with RunFolder(tmp_path / "run").locked():
        with pytest.raises(ValueError, match=r"Another run is training in .*/run\."):
            with RunFolder(tmp_path / "run").locked():
                pass
    with RunFolder(tmp_path / "run").locked():
        pass


def test_the_lock_of_a_killed_run_is_free_and_what_it_left_is_removed(tmp_path):
    source = f"""
import time
from keras_pixelcnn.files import replace_when_written
from trainers.runs.run_folder import RunFolder
with RunFolder({str(tmp_path)!r}).locked():
    with replace_when_written({str(tmp_path / "model.keras")!r}) as part:
        part.touch()
        time.sleep(600)
"""
    holder = Forked(source=source)
    deadline = time.monotonic() + 120
    while not (parts := list(tmp_path.glob(".*.part.keras"))):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with pytest.raises(ValueError, match="Another run is training in"):
        with RunFolder(tmp_path).locked():
            pass
    assert parts[0].exists()
    holder.kill()
    with RunFolder(tmp_path).locked():
        assert [path.name for path in tmp_path.iterdir()] == [".lock"]
