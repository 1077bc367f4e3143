"""What the README says is what happens."""

import re
import runpy

import pytest
import setuptools

from tests.commands import ROOT, blocks, check_program, programs

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    (example,) = blocks(README, "python")
    assert "epochs=10" in example
    exec(example.replace("epochs=10", "epochs=1"), names)
    assert names["images"].shape == (16, 8, 8, 1)
    assert isinstance(names["stream"], bytes)
    assert (tmp_path / "digits.keras").exists()
    assert (tmp_path / "served" / "digits" / "1" / "saved_model.pb").exists()


def test_it_fits_on_a_few_screens():
    assert len(README.splitlines()) <= 200


def test_users_install_the_package_first_of_all():
    install, own, *_ = blocks(README, "shell")
    assert install.strip() == "pip install keras-pixelcnn"
    names = [words[words.index("-m") + 1] for words in programs(f"```shell\n{own}```")]
    assert names == ["trainers.train", "trainers.sample"]


def test_pictures_and_files_it_names_are_there():
    links = re.findall(r"\]\((?!http|#)([^)]+)\)", README)
    assert links
    for link in links:
        assert (ROOT / link.split("#")[0]).exists(), link


def test_programs_it_names_are_there():
    commands = programs(README)
    assert len(commands) >= 3
    for words in commands:
        check_program(words)


def test_what_package_indexes_show_of_it_leads_to_no_missing_file(monkeypatch):
    given = {}
    monkeypatch.setattr(setuptools, "setup", lambda **options: given.update(options))
    runpy.run_path(str(ROOT / "setup.py"))
    shown = given["long_description"]
    assert "Your own pictures" in shown and "arxiv.org" in shown
    assert re.search(r"\]\((?!https?://|#)", shown) is None
