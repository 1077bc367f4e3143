"""Tests of the console command, which starts any of the programs."""

import runpy
import sys

import pytest

from trainers.command_line import console


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
