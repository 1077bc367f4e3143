"""Tests of the folders of versions: numbers, what is hidden, what is left behind."""

import os
import threading

import pytest

from savedmodels.publish import version_folders
from savedmodels.publish.version_folders import appear, hidden_folder, next_version


def _numbers(base):
    return sorted(path.name for path in base.iterdir() if path.name.isdigit())


def _hidden(base):
    return sorted(path.name for path in base.glob(".publishing-*"))


def _publish(base, content="whole"):
    with hidden_folder(base) as folder:
        (folder / "export" / "inner").mkdir(parents=True)
        (folder / "export" / "inner" / "file").write_text(content)
        return appear(folder / "export", base)


@pytest.mark.parametrize(
    ("names", "version"),
    [
        ([], 1),
        (["1", "2", "10"], 11),
        (["7"], 8),
        (["0003"], 4),
        (["1", "latest", "2.old", "-5", ".3", "v9"], 2),
    ],
)
def test_the_next_version_follows_the_largest(tmp_path, names, version):
    for name in names:
        (tmp_path / name).mkdir()
    assert next_version(tmp_path) == version
    assert _publish(tmp_path) == tmp_path / str(version)


def test_a_file_takes_its_number(tmp_path):
    (tmp_path / "4").write_text("")
    assert _publish(tmp_path) == tmp_path / "5"


def test_a_number_that_no_server_reads(tmp_path):
    (tmp_path / str(2**63 - 1)).mkdir()
    with pytest.raises(ValueError, match=f"at most {2**63 - 1}"):
        _publish(tmp_path)
    assert _hidden(tmp_path) == []


@pytest.mark.parametrize("name", ["1", "export"])
def test_a_version_is_no_folder_of_versions(tmp_path, name):
    base = tmp_path / name
    base.mkdir()
    if name == "export":
        (base / "saved_model.pb").write_text("")
    before = list(base.iterdir())
    with pytest.raises(ValueError, match="base must be the folder of all versions"):
        _publish(base)
    assert list(base.iterdir()) == before


def test_nothing_appears_when_publishing_fails(tmp_path):
    with (
        pytest.raises(RuntimeError, match="no space"),
        hidden_folder(tmp_path) as folder,
    ):
        assert _hidden(tmp_path) == [folder.name]
        (folder / "half").write_text("")
        raise RuntimeError("no space")
    assert _numbers(tmp_path) == _hidden(tmp_path) == []


def test_a_number_taken_meanwhile_is_left_alone(tmp_path, monkeypatch):
    found = [3, 3, 5]
    for name in ("3", "4"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "theirs").write_text("")
    found = iter([3, 4, 5])
    monkeypatch.setattr(version_folders, "next_version", lambda base: next(found))
    assert _publish(tmp_path) == tmp_path / "5"
    assert (tmp_path / "3" / "theirs").exists()


def test_another_error_is_not_tried_again(tmp_path):
    with hidden_folder(tmp_path) as folder, pytest.raises(FileNotFoundError):
        appear(folder / "missing", tmp_path)


def test_leftovers_of_killed_publishers_are_removed(tmp_path):
    for name in ("before_its_lock", "after_its_lock"):
        (tmp_path / f".publishing-{name}" / "export").mkdir(parents=True)
    # A lock goes with its process; what stays is the file.
    (tmp_path / ".publishing-after_its_lock" / "in_use.lock").write_text("")
    (tmp_path / ".others").mkdir()
    with hidden_folder(tmp_path) as folder:
        assert _hidden(tmp_path) == [folder.name]
    assert (tmp_path / ".others").exists()


def test_many_publishers_at_once_take_numbers_of_their_own(tmp_path):
    taken = []
    threads = [
        threading.Thread(target=lambda: taken.append(_publish(tmp_path).name))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken, key=int) == [str(i) for i in range(1, 9)]
    assert _hidden(tmp_path) == []


def test_all_is_on_the_disk_before_it_appears(tmp_path, monkeypatch):
    events, sync, rename = [], os.fsync, os.rename

    def record_sync(descriptor):
        events.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    def record_rename(source, target):
        events.append("rename")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", record_sync)
    monkeypatch.setattr(os, "rename", record_rename)
    _publish(tmp_path / "base")
    before, after = events[: events.index("rename")], events[events.index("rename") :]
    names = {path.split("export")[-1] for path in before}
    assert names == {"", "/inner", "/inner/file"}
    assert after == ["rename", str(tmp_path / "base"), str(tmp_path)]
