import json

import pytest
from absl import flags

from benchmarks import run
from benchmarks.report import Row


@pytest.fixture
def rows(monkeypatch):
    """Two rows that measure nothing but how often they were asked."""
    rows, asked = {}, []
    for name in "ab":

        def measure(runs, name=name):
            asked.append(name)
            return [{"runs": runs, "times": asked.count(name)}]

        rows[name] = Row(f"Row {name}", measure, {"times": "{times}"})
    monkeypatch.setattr(run, "ROWS", rows)
    return rows


def call(**given):
    values = flags.FlagValues()
    run.define_flags(values)
    values(["run", *[f"--{name}={value}" for name, value in given.items()]])
    run.main(values)


def read(output):
    rows = json.loads(output.read_text())["rows"]
    return {name: row["records"][0] for name, row in rows.items()}


def test_only_the_rows_measured_are_replaced(rows, tmp_path, capsys):
    output = tmp_path / "speed.json"
    call(output=output, runs=2)
    call(output=output, rows="b", runs=7)
    content = read(output)
    assert content == {"a": {"runs": 2, "times": 1}, "b": {"runs": 7, "times": 2}}
    capsys.readouterr()
    call(output=output, rows="")
    shown = capsys.readouterr().out
    assert "**a. Row a.** 2 runs" in shown and "**b. Row b.** 7 runs" in shown
    assert read(output) == content


def test_a_row_that_fails_costs_no_other(rows, tmp_path, monkeypatch):
    def fail(runs):
        raise RuntimeError("no memory")

    monkeypatch.setitem(rows, "b", rows["b"]._replace(measure=fail))
    output = tmp_path / "speed.json"
    with pytest.raises(RuntimeError, match="no memory"):
        call(output=output)
    assert list(read(output)) == ["a"]


def test_refuses_unknown_rows(rows):
    with pytest.raises(ValueError, match=r"rows must be of \['a', 'b'\].*'x'"):
        call(rows="a,x")


def test_every_row_has_a_title_and_a_table():
    assert list(run.ROWS) == list("abcdefghijklm")
    for row in run.ROWS.values():
        assert row.title and callable(row.measure) and row.as_table([]).startswith("| ")
