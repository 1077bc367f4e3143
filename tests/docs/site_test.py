"""The site: it is built without a warning, and its links hold."""

import re
import subprocess
import sys

import pytest

from tests.commands import ROOT

pytest.importorskip("mkdocs", reason="needs the extra docs")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "docs.build", "--no-run-code", "--site", folder]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.mark.slow
def test_formulas_links_and_notebooks(site):
    paper = (site / "paper.html").read_text(encoding="utf-8")
    assert paper.count("<math") >= 20 and "arithmatex" not in paper
    assert "presets/gated_pixelcnn_digits.html" in (site / "index.html").read_text()
    assert "quickstart.html" in (site / "index.html").read_text(encoding="utf-8")
    assert (site / "files" / "trainers" / "configs" / "digits.py").exists()
    assert '"nbformat": 4' in (site / "notebooks" / "quickstart.ipynb").read_text()


@pytest.mark.slow
def test_pages_ask_no_other_server_for_anything(site):
    loaded = re.compile(
        r"<(?:script|img|iframe|link rel=.stylesheet)[^>]*https?://[^>]*>"
    )
    for page in site.rglob("*.html"):
        assert not loaded.findall(page.read_text(encoding="utf-8")), page
