"""Tests of how the loader is built."""

import pathlib

import pytest

from savedmodels.build_loader import SOURCES, build_loader, find_compiler


def test_a_failed_build_says_why_and_leaves_the_older_loader(compiler, tmp_path):
    older = tmp_path / "loader"
    older.write_text("older")
    with pytest.raises(ChildProcessError, match="failed with exit code") as caught:
        build_loader(older, f"{compiler} -include no_such_header.h")
    assert "no_such_header.h" in str(caught.value)
    assert "No such file" in str(caught.value)
    assert "loader.c" in str(caught.value)  # the command
    assert older.read_text() == "older"
    assert list(tmp_path.iterdir()) == [older]


def test_no_compiler(tmp_path, monkeypatch):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"none of cc, gcc, clang.*Install one"):
        build_loader(tmp_path / "loader")
    assert list(tmp_path.iterdir()) == []


def test_the_variable_cc_names_the_compiler(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler -O1")
    assert find_compiler() == "no-such-compiler -O1"
    with pytest.raises(FileNotFoundError, match=r"cannot be run.*variable CC"):
        build_loader(pathlib.Path(tmp_path, "loader"))


def test_source_files_are_short():
    assert len(SOURCES) > 1
    for path in SOURCES:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
