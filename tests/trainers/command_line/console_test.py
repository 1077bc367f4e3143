"""Tests of the console command, which starts any of the programs."""

import os
import re
import runpy
import subprocess
import sys

import pytest

from savedmodels import quiet_start
from tests.commands import ROOT
from trainers.command_line import console


@pytest.fixture(autouse=True)
def tensorflow_as_it_is(monkeypatch):
    """This process has loaded it."""
    monkeypatch.setattr(quiet_start, "load_tensorflow", lambda: None)


def call(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["keras-pixelcnn", *words])
    console.main()


def test_every_program_is_listed_with_what_it_does(monkeypatch, capsys):
    call(monkeypatch)
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split()[:2] == ["sample", "Samples"] for line in lines)
    for name in ("train", "compress", "server", "export", "client"):
        assert any(line.startswith(f"  {name} ") for line in lines)


def test_a_program_gets_its_flags(monkeypatch):
    started = []
    monkeypatch.setattr(
        runpy, "run_module", lambda name, **_: started.append((name, sys.argv[1:]))
    )
    call(monkeypatch, "sample-accuracy", "--model=x")
    call(monkeypatch, "server", "--port=0")
    assert started == [
        ("trainers.sample_accuracy", ["--model=x"]),
        ("savedmodels.server", ["--port=0"]),
    ]


def test_a_missing_extra_is_named(monkeypatch):
    def fail(name, **_):
        raise ModuleNotFoundError("No module named 'aiohttp'", name="aiohttp")

    monkeypatch.setattr(runpy, "run_module", fail)
    with pytest.raises(SystemExit, match=r'aiohttp, .*"keras-pixelcnn\[serving\]"'):
        call(monkeypatch, "server")


def test_another_word_is_told(monkeypatch):
    with pytest.raises(SystemExit, match=r"train, .*Received: trian. Was train meant"):
        call(monkeypatch, "trian")


def start(*command, **environment):
    inherited = {k: v for k, v in os.environ.items() if k != quiet_start.LEVEL}
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


CONSOLE = ("-c", "from trainers.command_line import console; console.main()")


@pytest.mark.slow
def test_a_program_starts_quietly_and_tells_its_own_error():
    told = start(*CONSOLE, "sample", "--model=nowhere").stderr
    assert "nowhere" in told
    assert ".cc:" not in told and "absl::InitializeLog" not in told
    assert not re.search(r"^[IWE]\d{4} ", told, re.MULTILINE)


@pytest.mark.parametrize(
    "command",
    [("-m", "savedmodels.export"), (*CONSOLE, "report")],
)
def test_pythons_words_and_fatal_ones_come_through_and_all_where_it_is_wanted(
    tmp_path, command
):
    """With a TensorFlow that says much and ends the process."""
    (tmp_path / "tensorflow.py").write_text("""
import os
os.write(2, b"I0000 00:00:17.5   853 port.cc:153] oneDNN\\n")
os.write(2, b"a warning\\n")
os.write(2, b"F0000 00:00:17.5   853 cpu.cc:1] no AVX\\n")
os._exit(3)
""")
    quiet = start(*command, PYTHONPATH=str(tmp_path))
    loud = start(*command, PYTHONPATH=str(tmp_path), TF_CPP_MIN_LOG_LEVEL="0")
    assert quiet.returncode == loud.returncode == 3
    lines = quiet.stderr.splitlines()
    assert lines[0] == "a warning" and "no AVX" in lines[1] and len(lines) == 2
    assert "oneDNN" in loud.stderr
