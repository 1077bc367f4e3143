"""Results of benchmarks: tables on the screen, and JSON with their surroundings."""

import importlib.metadata
import json
import os
import pathlib
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from trainers.runs.environment import processor
from trainers.runs.run_folder import write_json

Record = dict[str, Any]
"""One line of a table: names, seconds, bytes, ratios."""

Columns = Mapping[str, str | Callable[[Record], str]]
"""By heading a format of a record's entries, "{seconds:.3f} s", or a function of it."""


class Row(NamedTuple):
    """One benchmark of a program: what it measures and how it is shown."""

    title: str
    measure: Callable[[int], list[Record]]
    """From the number of counted runs of each alternative to the records."""
    columns: Columns | tuple[Columns, ...]
    """Of its table. Several: a table each, of the records that have their entries."""

    def as_table(self, records: Sequence[Record]) -> str:
        """Shows the records in Markdown."""
        columns = self.columns if isinstance(self.columns, tuple) else (self.columns,)
        return "\n\n".join(table(each, records) for each in columns)


def table(columns: Columns, records: Iterable[Record]) -> str:
    """Returns a table in Markdown, with a line for each record that has its entries."""
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    for record in records:
        try:
            cells = [
                cell(record) if callable(cell) else cell.format_map(record)
                for cell in columns.values()
            ]
        except KeyError:
            continue
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def measured(title: str, runs: int, records: Sequence[Record]) -> dict[str, Any]:
    """Returns what is kept of a row: its records and how they came about."""
    return {
        "title": title,
        "environment": environment(),
        "runs": runs,
        "records": list(records),
    }


def environment() -> dict[str, Any]:
    """Returns what the figures depend on: processor, devices and versions."""
    return {
        "processor": f"{processor()}, {os.cpu_count()} threads",
        "devices": [device.device_type for device in tf.config.list_logical_devices()],
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        # Which kernels take convolutions; Intel's servers have them by default.
        "TF_ENABLE_ONEDNN_OPTS": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "unset"),
        "keras": keras.__version__,
        "tensorflow_probability": importlib.metadata.version("tensorflow_probability"),
    }


def read(output: str | os.PathLike[str] | None) -> dict[str, Any]:
    """Returns the rows that a file of results holds, by name; {} where there is none.

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
    if output is not None:
        write_json(output, {"rows": dict(sorted(rows.items()))})


def as_markdown(rows: Mapping[str, Any], programs: Mapping[str, Row]) -> str:
    """Returns measured rows as headings and tables, for a screen or a README.

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
