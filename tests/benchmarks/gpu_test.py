import functools
import json
import sys

import pytest
from absl import flags

from benchmarks import gpu
from benchmarks.timing import new_model
from tests.benchmarks.tiny_network import ARGUMENTS, NAME


def test_contracts_are_told_to_hold_or_not(tmp_path):
    test = tmp_path / "some_test.py"
    test.write_text("def test():\n    assert 1 + 1 == 2\n")
    (record,) = gpu.check_contracts(gpu.Clock(1), [str(test)])
    assert record["passed"] and "1 passed" in record["last_line"]
    test.write_text("def test():\n    assert 1 + 1 == 3\n")
    (record,) = gpu.check_contracts(gpu.Clock(1), [str(test)])
    assert not record["passed"] and "1 failed" in record["last_line"]
    (record,) = gpu.check_contracts(gpu.Clock(0), [str(test)])
    assert not record["passed"] and "in time" in record["last_line"]


def test_training_in_each_precision_with_and_without_xla(monkeypatch):
    one = {"bfloat16": gpu.PRECISIONS["bfloat16"]}
    monkeypatch.setattr(gpu, "PRECISIONS", one)
    records = gpu.measure_training(
        gpu.Clock(10), 2, 1, (4, 2, 3), ARGUMENTS, matrix_size=8
    )
    ways = [(record["precision"], record["jit_compile"]) for record in records]
    assert ways == [(name, xla) for name in gpu.PRECISIONS for xla in (False, True)]
    for record in records:
        assert record["rate / machine"] == pytest.approx(
            record["flops_per_second"] / record["machine_flops_per_second"]
        )
    assert "| bfloat16 | True |" in gpu.ROWS["training"].as_table(records)


def test_sampling_stops_when_the_time_is_over():
    model = new_model(NAME)
    assert gpu.measure_sampling(gpu.Clock(0), model, (2,), runs=1) == []
    records = gpu.measure_sampling(gpu.Clock(10), model, (2,), runs=1)
    assert [record["batch_size"] for record in records] == [2]
    assert "| 2 |" in gpu.ROWS["sampling"].as_table(records)


def test_what_is_left_of_the_time_trains_and_is_ended(tmp_path, monkeypatch):
    """A run that would never end is asked to stop, and its status is kept."""
    program = tmp_path / "sleeper"
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    (record,) = gpu.train_clothes(gpu.Clock(0), str(tmp_path), "fashion_mnist")
    assert record["exit_status"] == -15


def call(**given):
    values = flags.FlagValues()
    gpu.define_flags(values)
    values(["gpu", *[f"--{name}={value}" for name, value in given.items()]])
    gpu.main(values)


@pytest.fixture
def trained(monkeypatch):
    """The workdirs that were trained in; nothing is."""
    workdirs = []
    monkeypatch.setattr(
        gpu, "train_clothes", lambda clock, workdir, dataset: workdirs.append(workdir)
    )
    return workdirs


def test_the_whole_program_in_small(tmp_path, monkeypatch, trained, capsys):
    test = tmp_path / "some_test.py"
    test.write_text("def test():\n    assert 1 + 1 == 2\n")
    monkeypatch.setattr(gpu, "PRECISIONS", {"float32": gpu.PRECISIONS["float32"]})
    small = {
        "contracts": {"tests": [str(test)]},
        "training": {
            "batch_size": 2,
            "runs": 1,
            "image_shape": (4, 2, 3),
            "network": ARGUMENTS,
            "matrix_size": 8,
        },
        "sampling": {"model": new_model(NAME), "batch_sizes": (1, 2), "runs": 1},
    }
    for name, row in gpu.ROWS.items():
        measure = functools.partial(row.measure, **small[name])
        monkeypatch.setitem(gpu.ROWS, name, row._replace(measure=measure))
    output = tmp_path / "gpu.json"
    call(output=output, workdir=tmp_path / "clothes", minutes=5)
    rows = json.loads(output.read_text())["rows"]
    assert {name: len(row["records"]) for name, row in rows.items()} == {
        "contracts": 1,
        "training": 2,
        "sampling": 2,
    }
    assert rows["contracts"]["records"][0]["passed"]
    assert trained == [str(tmp_path / "clothes")]
    shown = capsys.readouterr().out
    assert all(row.title in shown for row in gpu.ROWS.values())


def test_what_does_not_fit_into_the_time_is_left_out(tmp_path, trained, capsys):
    call(minutes=0, workdir=tmp_path)
    shown = capsys.readouterr().out
    assert all(f"{name} is left out." in shown for name in gpu.ROWS)
    assert not trained
    with pytest.raises(ValueError, match=r"rows must be of .*'x'"):
        call(rows="x")
