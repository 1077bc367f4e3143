"""Tests that processes that are killed while they save lose nothing that was saved."""

import json
import pathlib
import subprocess
import sys

import pytest

PROGRAM = pathlib.Path(__file__).with_name("saving_program.py")


def run_program(name, folder):
    command = [sys.executable, str(PROGRAM), name, str(folder)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_write_that_is_cut_off_leaves_what_there_was(tmp_path):
    cut, later = run_program("full_disk", tmp_path / "checkpoints")
    assert f"{tmp_path / 'checkpoints'} must have room for one more" in cut["message"]
    assert "bytes free (File too large)" in cut["message"]
    assert cut["latest"] == 1 and cut["log"] == []
    assert cut["names"] == [".lock", "000001-step-1.safetensors"]
    assert later["latest"] == 3


@pytest.mark.slow
def test_killed_at_random_moments_nothing_that_was_saved_is_lost(tmp_path):
    *kills, last = run_program("random_kills", tmp_path)
    step = best = 0
    for kill in kills:
        step, best = max([step, *kill["saved"]]), kill.get("best", 0)
        assert kill["log"] == []
        # The save that was killed may have been as good as done.
        assert kill.get("latest", 0) in (step, step + 1)
        assert best == kill.get("latest", 0) // 3 * 3
        step = kill.get("latest", 0)
        assert len(kill["names"]) <= 3 + 1 + 1 + len([".lock", ".checkpoint.part"])
    assert step > 5
    assert any(".checkpoint.part" in kill["names"] for kill in kills)
    assert len(last["names"]) <= 3 + 1 + len([".lock"]) and last["latest"] == 10_000


@pytest.mark.slow
def test_killed_before_any_line_nothing_that_was_saved_is_lost(tmp_path):
    kills = run_program("kills_at_each_line", tmp_path)
    assert len(kills) > 50 and kills[-1]["code"] == 0
    latest = [kill["latest"] for kill in kills]
    assert latest == sorted(latest) and set(latest) == {5, 6}
    for kill in kills:
        assert kill["log"] == []
        assert kill["best"] == (3 if kill["latest"] == 5 else 6)
        assert ".checkpoint.part" not in kill["names_later"]
        assert len(kill["names_later"]) <= 3 + 1 + len([".lock"])


@pytest.mark.slow
def test_two_stores_of_one_folder_take_turns(tmp_path):
    *reads, last = run_program("two_stores", tmp_path / "checkpoints")
    assert last["codes"] == [0, 0]
    assert last["names"][0] == ".lock" and len(last["names"]) <= 3 + 1 + 1
    assert last["names"][-1].startswith("000040-step-")
    for read in (*reads, last):
        assert read["log"] == []
        assert isinstance(read.get("latest", 0), int)
        assert isinstance(read.get("best", 0), int)
    assert reads
