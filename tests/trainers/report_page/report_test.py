"""The page of a run: what it shows, what it says is missing, what it never does."""

import html.parser
import json
import re

import pytest

from tests.forked import Forked
from tests.trainers.report_page import report_run
from tests.trainers.tiny_run import call
from trainers import report
from trainers.report_page.page import write_page


class Reader(html.parser.HTMLParser):
    """A page's elements with their attributes, and its text."""

    def __init__(self):
        super().__init__()
        self.elements, self.words, self.ids = [], [], []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def page_of(workdir):
    output = workdir / "report.html"
    write_page(workdir, output)
    reader = Reader()
    reader.feed(output.read_text(encoding="utf-8"))
    return reader


@pytest.fixture
def finished(tmp_path):
    return report_run.finished_run(tmp_path / "digits run")


@pytest.fixture
def begun(tmp_path):
    """A run that has written its config, and nothing else yet."""
    report_run.write_config(tmp_path)
    return tmp_path


# The program.


def test_the_page_is_written_into_the_workdir(finished, capsys):
    call(report, f"--workdir={finished}")
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert page.endswith("</html>\n")
    assert str(finished / "report.html") in capsys.readouterr().out


def test_a_folder_that_is_no_run_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"must be the folder of a run.*config\.json"):
        call(report, f"--workdir={tmp_path}")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match=r"Received: .*nowhere, and there is none\."):
        call(report, f"--workdir={tmp_path / 'nowhere'}")
    assert not list(tmp_path.iterdir())


def test_an_output_that_is_a_folder_is_told(finished, tmp_path):
    with pytest.raises(ValueError, match="--output must be a file"):
        write_page(finished, tmp_path)


def test_an_older_page_stays_when_the_new_one_cannot_be_made(
    finished, tmp_path, monkeypatch
):
    output = tmp_path / "page.html"
    output.write_text("older")

    def fail(run):
        raise OSError("disk full")

    monkeypatch.setattr("trainers.report_page.page.make_page", fail)
    with pytest.raises(OSError, match="disk full"):
        write_page(finished, output)
    assert output.read_text() == "older"
    assert {path.name for path in tmp_path.iterdir()} == {"page.html", finished.name}


# What it shows.


def test_a_finished_run_is_shown_whole(finished):
    page = page_of(finished)
    for words in (
        "digits run",
        "GatedPixelCNN on digits (8×8×1, 17 levels)",  # noqa: RUF001
        "Finished epoch 8 of 8, step 176",
        "2.0453 over 180 images",
        "479,761",
        "0:02:38",
        "128 images/s",
        "Abacus 9000",
        "3.15.1",
        "num_blocks 6",
        "uniform baseline 4.0875",
        "GatedPixelCNN this run 2.0453",
        "Left out, PNG: needs 1 or 3 channels.",
        "reports no likelihoods for digits",
    ):
        assert words in page.text
    assert "not recorded" not in page.text.lower()
    assert not page.all("aside")


def test_pictures_stand_in_the_page_in_the_order_of_steps(finished):
    images = page_of(finished).all("img")
    assert all(i["src"].startswith("data:image/png;base64,iVBOR") for i in images)
    assert [image["alt"] for image in images if " at " in image["alt"]] == [
        f"{what} at step {step}, epoch {step // 22}"
        for what in ("Samples", "Completions")
        for step in (44, 88, 176)
    ]
    assert len(images) == 8


def test_a_run_going_on_tells_how_far_it_is(begun):
    report_run.write_history(begun, report_run.history_rows(44))
    report_run.write_picture(begun / "samples" / "step-44.png")
    page = page_of(begun)
    assert "Not finished epoch 2 of 8, step 44." in page.text
    assert "about 0:01:06 left" in page.text
    assert "There is no test score yet" in page.text
    assert re.search(r"Validation bits/dim 2\.23\d\d best so far, step 44", page.text)
    assert page.all("img")[0]["alt"] == "Samples at step 44"


def test_steps_of_the_config_count_before_its_epochs(begun):
    report_run.write_config(begun, steps=440, epochs=3)
    report_run.write_history(begun, report_run.history_rows(44))
    page = page_of(begun)
    assert "Not finished epoch 2, step 44 of 440." in page.text
    assert {"value": "0.1"} in page.all("progress")


def test_damaged_files_are_named_and_left_out(finished):
    (finished / "metrics.json").write_text('{"test_bits')
    (finished / "environment.json").write_bytes(b"\xff\xfe")
    (finished / "samples.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    text = page_of(finished).text
    assert "metrics.json is damaged and was left out." in text
    assert "environment.json is damaged and was left out." in text
    assert "samples.png is no whole PNG file: left out." in text


# What it never does.


def test_text_is_never_taken_for_markup(finished):
    script = "<script>alert(1)</script>"
    attack = f"</style>'\"--><svg onload=alert(1)>{script}"
    report_run.write_config(finished, dataset=attack, **{attack: {attack: attack}})
    report_run.write_metrics(
        finished,
        model=attack,
        test_split=attack,
        conditions=[attack],
        baselines={attack: 3.0},
        baselines_left_out={attack: attack},
        versions={attack: attack},
    )
    (finished / "environment.json").write_text(json.dumps({attack: [attack]}))
    page = page_of(finished)
    assert page.text.count(script) > 10
    assert not page.all("script")
    assert not [
        a for _, attributes in page.elements for a in attributes if "onload" in a
    ]


def test_text_that_html_cannot_hold_is_replaced(begun):
    report_run.write_config(
        begun, cut="a\ud800b", ends="a\0b\x1b", kept="ä 字 \U0001f600"
    )
    text = page_of(begun).text
    assert "cut a?b" in text
    assert "ends a\ufffdb\ufffd" in text
    assert "kept ä 字 \U0001f600" in text


@pytest.mark.parametrize(
    "value", [None, "3", [], {}, True, float("nan"), -1, 10**400, [[1], {"a": 2}]]
)
def test_any_value_of_any_field_gives_a_page(finished, value):
    for name in ("config.json", "metrics.json", "environment.json"):
        path = finished / name
        fields = json.loads(path.read_text())
        path.write_text(json.dumps(dict.fromkeys(fields, value)))
    rows = [
        dict.fromkeys(row, value) | {"step": row["step"]}
        for row in report_run.history_rows(9)
    ]
    report_run.write_history(finished, rows)
    assert "Curves" in page_of(finished).text


def test_nothing_comes_from_outside_the_page(finished):
    page = page_of(finished)
    assert {"script", "iframe", "object"}.isdisjoint(tag for tag, _ in page.elements)
    for _, attributes in page.elements:
        for name in ("src", "href", "data", "srcset"):
            assert attributes.get(name, "data:").startswith("data:")
        assert attributes.get("xlink:href", "#").startswith("#")
    source = (finished / "report.html").read_text(encoding="utf-8")
    assert "url(" not in source.replace("url(#", "")
    assert "@import" not in source
    policy = page.all("meta")[1]
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert policy["content"].startswith("default-src 'none'")


def test_the_table_labels_each_number_by_whose_it_is(begun):
    report_run.write_config(begun, dataset="cifar10", num_levels=None)
    cifar = {"dataset": "cifar10", "image_shape": [32, 32, 3], "num_levels": 256}
    report_run.write_metrics(begun, **cifar, conditions=["label"], test_bits_per_dim=3)
    report_run.write_history(begun, report_run.history_rows(44))
    text = page_of(begun).text
    rows = [
        "Uniform the paper's 8.00",
        "uniform baseline 4.0875",
        "Gated PixelCNN the paper's 3.03 2.90",
        'GatedPixelCNN this run, given ["label"] 3.0000',
        "independent pixels baseline 2.4169",
    ]
    places = [text.index(row) for row in rows]
    assert places == sorted(places)
    assert "van den Oord et al., 2016, arXiv 1606.05328, section 3.1, table 1" in text
    assert "the paper's 3.03" in text[: places[0]]  # beside the curves


def test_a_missing_extra_is_told_in_a_sentence():
    source = """
import sys
sys.modules["jinja2"] = None
sys.argv = ["report", "--workdir=nowhere"]
from trainers import report
from keras_pixelcnn import programs
programs.run(report.main, report.define_flags)
"""
    result = Forked(source=source).wait()
    assert result.returncode == 1
    assert 'error: Pages need Jinja2 and Matplotlib: pip install "keras-' in (
        result.stderr
    )
