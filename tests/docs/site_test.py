"""The site: it is built without a warning, its links hold, its search finds answers."""

import re
import subprocess
import sys
import time

import pytest

from tests.browser import start_chromium
from tests.commands import ROOT

pytest.importorskip("mkdocs", reason="needs the extra docs")
pytest.importorskip("selenium", reason="needs selenium")

# What people ask, and the page that should come first.
QUESTIONS = {
    "fine-tune a preset": "how_to/fine_tune",
    "per-pixel log-likelihood": "how_to/per_pixel",
    "10,000 samples to a file": "how_to/many_samples",
    "several GPUs in a notebook": "how_to/gpus_in_a_notebook",
    "Docker": "how_to/docker",
    "TFLite and ONNX": "how_to/tflite_onnx",
    "text embeddings": "how_to/text",
    "FID": "how_to/fid",
    "old files after an upgrade": "how_to/old_files",
    "reproducibility": "how_to/reproducibility",
    "memory and speed rules of thumb": "how_to/memory_and_speed",
    "GPU set-up": "how_to/gpu_setup",
}


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


@pytest.mark.slow
def test_each_question_is_answered_by_one_search_without_a_server(site, tmp_path):
    driver = start_chromium(tmp_path / "profile")
    try:
        driver.get((site / "index.html").as_uri())
        driver.execute_script("document.querySelector('#__search').click()")
        time.sleep(0.5)  # the field fades in
        for question, page in QUESTIONS.items():
            assert page in _first_found(driver, question), question
    finally:
        driver.quit()


def _first_found(driver, question):
    """Address of the first thing that the site's search finds."""
    first = """const found = document.querySelector("a.md-search-result__link");
        return found && found.href"""
    # The whole question at once: with every key typed, all pages are searched again.
    ask = """const field = document.querySelector(".md-search__input");
        field.value = arguments[0];
        field.dispatchEvent(new KeyboardEvent("keyup"));"""
    driver.execute_script(ask, "")
    for _ in range(300):
        if not driver.execute_script(first):
            break  # what was found before is gone
        time.sleep(0.02)
    driver.execute_script(ask, question)
    for _ in range(300):
        found = driver.execute_script(first)
        if found:
            return found
        time.sleep(0.02)
    return "nothing"
