"""What a benchmark leaves: tables on the screen, and JSON with its surroundings."""

import json
import os
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.timing import environment
from keras_pixelcnn.files import replace_when_written

Record = dict[str, Any]
"""One line of a table: names, seconds, bytes, ratios."""


class Row(NamedTuple):
    """One benchmark of a program: what it measures and how it is shown."""

    title: str
    measure: Callable[[int], list[Record]]
    """From the number of counted runs of each alternative to the records."""
    as_table: Callable[[Sequence[Record]], str]
    """From the records to Markdown."""


def table(
    columns: Mapping[str, str | Callable[[Record], str]], records: Iterable[Record]
) -> str:
    """A table in Markdown.

    Args:
        columns: by heading what stands below it: a format such as "{seconds:.3f} s"
            that names entries of the record, or a function of the record.
        records: one for each line.
    """
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    for record in records:
        cells = [
            cell(record) if callable(cell) else cell.format_map(record)
            for cell in columns.values()
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def show(
    rows: Sequence[Record], runs: int, in_markdown: str, output: str | None
) -> None:
    """Prints the records of a program with one table, and writes them if asked to.

    Args:
        rows: what was measured.
        runs: counted runs of each alternative.
        in_markdown: the records as a table.
        output: where to write JSON. None: nowhere.
    """
    result = {"environment": environment(), "runs": runs, "rows": rows}
    print(f"\n{json.dumps(result['environment'])}\n\n{in_markdown}")
    _write_json(result, output)


def measured(title: str, runs: int, records: Sequence[Record]) -> dict[str, Any]:
    """What is kept of a row: its records and how they came about."""
    return {
        "title": title,
        "environment": environment(),
        "runs": runs,
        "records": list(records),
    }


def read(output: str | os.PathLike[str] | None) -> dict[str, Any]:
    """The rows that a file of results holds, by name; {} where there is none.

    Raises:
        ValueError: when the file holds something else.
    """
    if output is None or not os.path.exists(output):
        return {}
    try:
        content = json.loads(pathlib.Path(output).read_text(encoding="utf-8"))
        return dict(content["rows"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{output} is no file of results: it must be JSON with an object of rows. "
            "Remove it, or choose another output."
        ) from error


def write(rows: Mapping[str, Any], output: str | os.PathLike[str] | None) -> None:
    """Writes rows in the order of their names; the file appears whole or not at all.

    Args:
        rows: what `measured` gave, by name.
        output: where to write JSON. None: nowhere.
    """
    _write_json({"rows": dict(sorted(rows.items()))}, output)


def _write_json(content: Any, output: str | os.PathLike[str] | None) -> None:
    if output is None:
        return
    with replace_when_written(output) as part:
        part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def as_markdown(rows: Mapping[str, Any], programs: Mapping[str, Row]) -> str:
    """Measured rows as headings and tables, for a screen or a README.

    Args:
        rows: what `measured` gave, by name.
        programs: the benchmarks that know how to show them, by the same names.
    """
    parts = []
    for name, row in rows.items():
        surroundings = ", ".join(
            f"{key} {value}" for key, value in row["environment"].items()
        )
        heading = f"**{name}. {row['title']}.** {row['runs']} runs in turn"
        in_markdown = programs[name].as_table(row["records"])
        parts.append(f"{heading}; {surroundings}.\n\n{in_markdown}")
    return "\n\n".join(parts)
