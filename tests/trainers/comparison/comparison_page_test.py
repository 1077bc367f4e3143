"""The page of a comparison, made by hand, and what it shows."""

import re

import pytest

from tests.trainers.report_page import report_run
from trainers.comparison.table import write_page

SCRIPT = "<script>document.title = 'ran'</script>"
ROW = "sample_row.png"


def model_row(name, title, bits):
    return {
        "title": title,
        "kind": "model",
        "name": name,
        "test_bits_per_dim": bits,
        "train_bits_per_dim": bits - 0.1,
        "parameters": 151_000,
        "step_seconds": 0.0123,
        "sample_seconds": 1.5,
    }


def result_of(rows):
    baselines = {"uniform": 4.087, "PNG": 14.16, "multivariate Gaussian": 2.892}
    rows = rows + [
        {"title": title, "kind": "baseline", "test_bits_per_dim": bits}
        for title, bits in baselines.items()
    ]
    return {
        "dataset": "digits",
        "test_split": "test",
        "test_images": 180,
        "train_split": "train",
        "train_images": 1437,
        "image_shape": [8, 8, 1],
        "num_levels": 17,
        "steps": 176,
        "batch_size": 64,
        "samples_at_once": 16,
        "rows": sorted(rows, key=lambda row: -row["test_bits_per_dim"]),
        "left_out": {"JPEG XL": "needs a plugin"},
        "system": "Abacus",
        "processor": "Abacus 9000",
        "cores": 2,
        "devices": [],
        "versions": {"keras": "3.15.1"},
    }


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """The page's path, of eight models and one that has no history."""
    workdir = tmp_path_factory.mktemp("runs")
    report_run.write_config(workdir, batch_size=64)
    rows = []
    for i in range(9):
        name, title = f"model_{i}", f"PixelRNN, number {i}"
        folder = workdir / name
        folder.mkdir()
        report_run.write_config(folder, model_class="PixelRNN", note=SCRIPT)
        if i < 8:
            report_run.write_history(folder, shifted(0.05 * i))
        report_run.write_picture(folder / ROW, 20 * i)
        rows.append(model_row(name, title, 1.8 + 0.05 * i))
    rows[0]["title"] = SCRIPT
    write_page(workdir / "comparison.html", result_of(rows), workdir, ROW)
    return workdir / "comparison.html"


def shifted(bits):
    rows = report_run.history_rows()
    for row in rows:
        if "validation_ema_bits_per_dim" in row:
            row["validation_ema_bits_per_dim"] += bits
    return rows


def words_of(page):
    text = re.sub(r"<style>.*?</style>", "", page.read_text(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


def test_the_page_shows_the_table_from_worst_to_best(compared):
    words = words_of(compared)
    places = [
        words.index(each)
        for each in (
            "PNG 14.160",
            "uniform 4.087",
            "multivariate Gaussian 2.892",
            "PixelRNN, number 8 2.200 (2.100) 151,000 12.3 ms 1,500 ms",
            "PixelRNN, number 1 1.850 (1.750) 151,000 12.3 ms 1,500 ms",
            "Left out, JPEG XL: needs a plugin.",
        )
    ]
    assert places == sorted(places)


def test_every_model_has_its_line_and_its_row_of_samples(compared):
    page = compared.read_text()
    chart = re.search(r"<svg .*?</svg>", page, re.DOTALL)[0]
    # A model without history has none.
    assert len(re.findall(r"<text [^>]*>(PixelRNN|&lt;script)", chart)) == 8
    assert page.count('<img src="data:image/png') == 9
    chart = re.search(r'aria-label="(Validation bits per dimension[^"]*)"', page)[1]
    assert chart.count("number") == 7


def test_a_page_that_cannot_be_written_leaves_the_older_one(compared, monkeypatch):
    before = compared.read_bytes()
    with pytest.raises(KeyError):
        result = result_of([model_row("model_0", "A", 2.0)])
        del result["steps"]
        write_page(compared, result, compared.parent, ROW)
    assert compared.read_bytes() == before
    assert not list(compared.parent.glob("*.part*"))
