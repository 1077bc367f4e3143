"""Tests that files appear whole or not at all."""

import os
import pathlib

import pytest

from keras_pixelcnn.files import remove_parts, replace_when_written


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("as_type", [str, pathlib.Path])
def test_a_new_file_appears_when_the_block_ends(tmp_path, as_type):
    path = tmp_path / "metrics.json"
    with replace_when_written(as_type(path)) as part:
        part.write_text("{}")
        assert not path.exists()
    assert path.read_text() == "{}"
    assert _names(tmp_path) == ["metrics.json"]


def test_the_part_is_hidden_beside_the_target_and_keeps_its_suffix(tmp_path):
    path = tmp_path / "model.keras"
    with replace_when_written(path) as part, replace_when_written(path) as other:
        assert part.parent == tmp_path
        assert part.name.startswith(".")
        assert part.suffix == ".keras"
        assert part != other
        part.touch()
        other.touch()


def test_an_old_file_is_replaced_only_at_the_end(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text("old")
    with replace_when_written(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert _names(tmp_path) == ["metrics.json"]


def test_missing_parents_are_made(tmp_path):
    path = tmp_path / "runs" / "digits" / "metrics.json"
    with replace_when_written(path) as part:
        part.write_text("{}")
    assert path.read_text() == "{}"


def test_a_directory_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "export"
    with replace_when_written(path) as part:
        (part / "variables").mkdir(parents=True)
        (part / "variables" / "data").write_text("weights")
        assert not path.exists()
    assert (path / "variables" / "data").read_text() == "weights"
    assert _names(tmp_path) == ["export"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file_and_no_litter(tmp_path, error):
    path = tmp_path / "metrics.json"
    path.write_text("old")
    with pytest.raises(error), replace_when_written(path) as part:
        part.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert _names(tmp_path) == ["metrics.json"]


def test_an_error_before_anything_is_written_is_the_one_that_is_seen(tmp_path):
    with pytest.raises(RuntimeError, match="mine"):
        with replace_when_written(tmp_path / "metrics.json"):
            raise RuntimeError("mine")
    assert _names(tmp_path) == []


def test_an_error_leaves_nothing_of_a_directory(tmp_path):
    with pytest.raises(RuntimeError):
        with replace_when_written(tmp_path / "export") as part:
            (part / "variables").mkdir(parents=True)
            (part / "variables" / "data").write_text("half")
            raise RuntimeError
    assert _names(tmp_path) == []


def test_a_block_that_writes_nothing_fails_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text("old")
    with pytest.raises(FileNotFoundError):
        with replace_when_written(path):
            pass
    assert path.read_text() == "old"
    assert _names(tmp_path) == ["metrics.json"]


def test_a_directory_does_not_replace_one_that_holds_something(tmp_path):
    path = tmp_path / "export"
    path.mkdir()
    (path / "old").write_text("old")
    with pytest.raises(OSError):
        with replace_when_written(path) as part:
            part.mkdir()
            (part / "new").write_text("new")
    assert _names(tmp_path) == ["export"]
    assert _names(path) == ["old"]
    assert (path / "old").read_text() == "old"


def test_a_file_and_a_directory_do_not_replace_each_other(tmp_path):
    folder, file = tmp_path / "folder", tmp_path / "file"
    folder.mkdir()
    file.write_text("old")
    with pytest.raises(OSError), replace_when_written(folder) as part:
        part.write_text("new")
    with pytest.raises(OSError), replace_when_written(file) as part:
        part.mkdir()
    assert _names(tmp_path) == ["file", "folder"]
    assert file.read_text() == "old"


# Power cuts and kills.


def test_content_is_on_the_disk_before_its_name_and_the_name_at_the_end(
    tmp_path, monkeypatch
):
    calls, fsync, replace = [], os.fsync, os.replace

    def watched_fsync(descriptor):
        name = pathlib.Path(os.readlink(f"/proc/self/fd/{descriptor}")).name
        calls.append("part" if ".part" in name else name)
        fsync(descriptor)

    def watched_replace(source, target):
        calls.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    with replace_when_written(tmp_path / "metrics.json") as part:
        part.write_text("{}")
    assert calls == ["part", "replace", tmp_path.name]
    calls.clear()
    with replace_when_written(tmp_path / "export") as part:
        (part / "variables").mkdir(parents=True)
        (part / "variables" / "data").write_text("weights")
    assert calls == ["data", "variables", "part", "replace", tmp_path.name]


def test_what_killed_writers_have_left_is_removed_and_nothing_else(tmp_path):
    left, writers = [], []
    for name in ("run/model.keras", "run/export/1", "metrics.json", "report.html"):
        writers.append(replace_when_written(tmp_path / name))
        left.append(writers[-1].__enter__())  # never left, as by a killed process
        (left[-1].mkdir if name.endswith("1") else left[-1].touch)()
    (left[1] / "variables").mkdir()
    others = [".part", ".hidden", "my.part.keras", f".{'x' * 32}.part"]
    for name in others:
        (tmp_path / name).touch()
    remove_parts(tmp_path)
    remove_parts(tmp_path / "nowhere")
    assert [path.exists() for path in left] == [False, False, False, True]
    assert {*others, left[-1].name, "run"} == {path.name for path in tmp_path.iterdir()}
