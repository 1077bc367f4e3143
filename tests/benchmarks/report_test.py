import json

import pytest

from benchmarks import report

SHOWN = {"by": "{name}", "ratio": "{left / right:.2f}", "twice": lambda r: f"{r['n']}"}


def row(title="Of two", record=None):
    record = record or {"name": "x", "left / right": 1.234, "n": 2}
    return report.measured(title, 3, [record])


def test_results_are_read_as_they_were_written(tmp_path):
    output = tmp_path / "new" / "speed.json"
    assert report.read(output) == {} == report.read(None)
    rows = {"b": row(), "a": row("Of one")}
    report.write(rows, output)
    report.write(rows, None)
    assert report.read(output) == rows
    assert list(report.read(output)) == ["a", "b"]
    assert [path.name for path in output.parent.iterdir()] == ["speed.json"]
    content = json.loads(output.read_text())["rows"]["b"]
    assert content["runs"] == 3 and content["environment"]["keras"]


@pytest.mark.parametrize("content", ["{", "[]", '{"rows": 3}', '{"other": {}}'])
def test_refuses_files_that_hold_something_else(tmp_path, content):
    output = tmp_path / "speed.json"
    output.write_text(content)
    with pytest.raises(ValueError, match="is no file of results"):
        report.read(output)


def test_rows_are_shown_with_their_surroundings():
    program = report.Row("Of two", None, SHOWN)
    shown = report.as_markdown({"a": row()}, {"a": program})
    assert shown.startswith("**a. Of two.** 3 runs in turn; processor ")
    assert "tensorflow 2." in shown and "| x | 1.23 | 2 |" in shown
