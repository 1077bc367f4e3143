"""What the report reads of a run's files, whole and damaged; the paper's numbers."""

import json

import pytest

from tests.trainers.report_page import report_run
from trainers.report_page import wording
from trainers.report_page.history import read_history
from trainers.report_page.likelihoods import likelihoods, paper_marks
from trainers.report_page.pictures import spread
from trainers.report_page.published import PublishedTable, find_published
from trainers.report_page.run_reading import read_run
from trainers.runs import environment

CIFAR = {"dataset": "cifar10", "image_size": None, "num_levels": None}


def history_of(tmp_path, text):
    path = tmp_path / "history.jsonl"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_history(path)


def test_a_history_is_read_as_it_was_written(tmp_path):
    rows = report_run.history_rows(30)
    report_run.write_history(tmp_path, rows)
    history = read_history(tmp_path / "history.jsonl")
    assert history.rows == rows
    assert not history.notes
    assert history.last("step") == 30
    ((step, bits),) = history.points("validation_bits_per_dim")
    assert (step, history.last("validation_bits_per_dim")) == (22, bits)
    assert history.last("nothing") is None


def test_a_history_cut_at_any_byte_is_read_up_to_there(tmp_path):
    report_run.write_history(tmp_path, report_run.history_rows(3))
    whole = (tmp_path / "history.jsonl").read_bytes()
    for length in range(len(whole)):
        history = history_of(tmp_path, whole[:length])
        lines = whole[:length].count(b"\n") + (whole[length : length + 1] == b"\n")
        assert [row["step"] for row in history.rows] == list(range(1, lines + 1))
        is_cut = whole[:length][-1:] not in (b"", b"\n", b"}")
        assert bool(history.notes) == is_cut, whole[:length]
        assert all("last line of history.jsonl is cut" in n for n in history.notes)


def test_lines_that_are_no_entries_are_named(tmp_path):
    bad = [
        "x",
        "[]",
        '{"epoch": 1}',
        '{"step": "1"}',
        '{"step": NaN}',
        '{"step": true}',
    ]
    history = history_of(tmp_path, "\n".join(['{"step": 1}', *bad, '{"step": 2}', ""]))
    assert [row["step"] for row in history.rows] == [1, 2]
    (note,) = history.notes
    assert note.endswith("are left out: 2, 3, 4, 5, 6, ….")


def test_of_steps_that_stand_twice_the_later_lines_count(tmp_path):
    lines = [(1, 0.1), (2, 0.2), (3, 0.3), (2, 2.0), (3, 3.0)]
    text = "".join(json.dumps({"step": s, "seconds": x}) + "\n" for s, x in lines)
    history = history_of(tmp_path, text)
    assert history.points("seconds") == [(1, 0.1), (2, 2.0), (3, 3.0)]


def test_values_that_are_not_finite_are_left_out_and_counted(tmp_path):
    text = '{"step": 1, "gradient_norm": NaN, "seconds": Infinity, "epoch": null}\n'
    history = history_of(tmp_path, text)
    assert history.rows == [{"step": 1.0}]
    assert history.notes == [
        "2 values in history.jsonl not finite: left out of the curves."
    ]


def test_bytes_that_are_no_text_are_survived(tmp_path):
    history = history_of(tmp_path, b'\xff\xfe\x00\n{"step": 1}\n')
    assert [row["step"] for row in history.rows] == [1]


def test_few_of_many_keep_the_first_and_the_last():
    assert spread(list("abc"), 8) == list("abc")
    assert spread(list(range(100)), 4) == [0, 33, 66, 99]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),  # noqa: RUF001
        (-1, "–"),  # noqa: RUF001
        (0.04, "0.04 s"),
        (59.4, "59 s"),
        (60, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (3661, "1 h 1 min"),
        (86399, "24 h 0 min"),
        (215_000, "2 d 12 h"),
    ],
)
def test_durations(seconds, text):
    assert wording.duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (2e-3, "0.002"),
        (1.2345e-5, "1.234e-5"),
        (2e12, "2e12"),
        (150000, "150,000"),
    ],
)
def test_short_numbers(value, text):
    assert wording.short(value) == text


# The paper's numbers.


@pytest.mark.parametrize(
    ("dataset", "place", "bits"),
    [
        ("cifar10", "section 3.1, table 1", 3.03),
        ("cifar10:3.0.2", "section 3.1, table 1", 3.03),
        ("downsampled_imagenet/32x32", "section 3.1, table 2", 3.83),
        ("downsampled_imagenet/64x64:2.0.0", "section 3.1, table 2", 3.57),
    ],
)
def test_runs_of_the_papers_datasets_have_its_numbers(dataset, place, bits):
    table = find_published({"dataset": dataset}, {})
    assert isinstance(table, PublishedTable)
    assert table.place == place
    assert table.bits_of_papers_model() == bits


@pytest.mark.parametrize("dataset", ["digits", "mnist", "cifar100", "folder:cifar10"])
def test_other_datasets_have_none(dataset):
    words = find_published({"dataset": dataset}, {})
    assert words.endswith(f"reports no likelihoods for {dataset}.")


@pytest.mark.parametrize(
    "other",
    [{"image_size": [16, 16]}, {"num_levels": 32}, {"color_mode": "grayscale"}],
)
def test_other_images_of_its_datasets_are_not_compared(other):
    assert "so they are not compared" in find_published(CIFAR | other, {})


def test_what_the_results_say_of_the_images_counts():
    assert isinstance(
        find_published(CIFAR, {"image_shape": [32, 32, 3]}), PublishedTable
    )
    assert "not compared" in find_published(CIFAR, {"image_shape": [32, 32, 1]})
    assert "not compared" in find_published(CIFAR, {"num_levels": 16})


def test_images_made_smaller_in_another_way_are_told():
    table = find_published({"dataset": "imagenet_resized/32x32"}, {})
    assert "in another way" in table.remark


def test_the_table_labels_each_number_by_whose_it_is(tmp_path):
    report_run.write_config(tmp_path, dataset="cifar10", num_levels=None)
    cifar = {"dataset": "cifar10", "image_shape": [32, 32, 3], "num_levels": 256}
    report_run.write_metrics(
        tmp_path, **cifar, conditions=["label"], test_bits_per_dim=3.5
    )
    run = read_run(tmp_path)
    section = likelihoods(run)
    rows = [[cell.text or "" for cell in row] for row in section.iter("tr")]
    assert rows[0] == ["Model", "Whose", "Test", "Train", ""]
    assert ["PixelRNN", "the paper's, section 3.1, table 1", "3.00", "2.93", ""] in rows
    assert ["GatedPixelCNN", "this run, given the label", "3.5000", "", ""] in rows
    assert ["uniform", "baseline of this run", "4.0875", "", ""] in rows
    values = [float(row[2]) for row in rows[1:]]
    assert values == sorted(values, reverse=True)
    text = " ".join(section.itertext())
    assert "van den Oord et al., 2016, arXiv 1606.05328" in text
    assert "The paper's models of these tables are unconditional." in text
    (mark,) = paper_marks(run)
    assert mark == ("the paper's", 3.03)


# The environment.


def test_the_environment_is_told_as_json_takes_it():
    facts = environment.describe()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["versions"]["keras_pixelcnn"]
    assert facts["processor"]
    assert facts["cores"] >= 1


def test_the_processor_is_named_as_linux_lists_it(tmp_path):
    listing = tmp_path / "cpuinfo"
    listing.write_text("processor\t: 0\nmodel name\t: Abacus: 9000\n")
    assert environment.processor(listing) == "Abacus: 9000"
    assert environment.processor(tmp_path / "none")
