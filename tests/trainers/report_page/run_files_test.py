"""What the report reads of a run's files, whole and damaged; the paper's numbers."""

import json

import pytest

from tests.trainers.report_page import report_run
from trainers.report_page.published import find_published
from trainers.report_page.run_files import read_history, spread
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
    assert "are left out: 2, 3, 4, 5, 6, …." in history.notes[0]


def test_of_steps_that_stand_twice_the_later_lines_count(tmp_path):
    lines = [(1, 0.1), (2, 0.2), (3, 0.3), (2, 2.0), (3, 3.0)]
    text = "".join(json.dumps({"step": s, "seconds": x}) + "\n" for s, x in lines)
    history = history_of(tmp_path, text)
    assert history.points("seconds") == [(1, 0.1), (2, 2.0), (3, 3.0)]


def test_values_that_are_not_finite_are_left_out_and_counted(tmp_path):
    text = '{"step": 1, "gradient_norm": NaN, "seconds": Infinity, "epoch": null}\n'
    history = history_of(tmp_path, text)
    assert history.rows == [{"step": 1.0}]
    assert history.notes == ["2 values in history.jsonl not finite: left out."]


def test_bytes_that_are_no_text_are_survived(tmp_path):
    history = history_of(tmp_path, b'\xff\xfe\x00\n{"step": 1}\n')
    assert [row["step"] for row in history.rows] == [1]


def test_few_of_many_keep_the_first_and_the_last():
    assert spread(list("abc"), 8) == list("abc")
    assert spread(list(range(100)), 4) == [0, 33, 66, 99]


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
    table, (remark,) = find_published({"dataset": dataset}, {})
    assert place in remark
    assert table.bits_of_papers_model == bits


@pytest.mark.parametrize("dataset", ["digits", "mnist", "cifar100", "folder:cifar10"])
def test_other_datasets_have_none(dataset):
    table, (remark,) = find_published({"dataset": dataset}, {})
    assert table is None
    assert remark.endswith(f"reports no likelihoods for {dataset}.")


@pytest.mark.parametrize(
    ("config", "metrics"),
    [
        ({"image_size": [16, 16]}, {}),
        ({"num_levels": 32}, {}),
        ({"color_mode": "grayscale"}, {}),
        ({}, {"image_shape": [32, 32, 1]}),
        ({}, {"num_levels": 16}),
    ],
)
def test_other_images_of_its_datasets_are_not_compared(config, metrics):
    assert find_published(CIFAR, {"image_shape": [32, 32, 3]})[0] is not None
    table, (remark,) = find_published(CIFAR | config, metrics)
    assert table is None
    assert "so they are not compared" in remark


def test_images_made_smaller_in_another_way_are_told():
    _, remarks = find_published({"dataset": "imagenet_resized/32x32"}, {})
    assert "in another way" in remarks[1]


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
