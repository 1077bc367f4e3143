"""What a run wrote down as it went, a line of JSON at a time."""

import json
import pathlib
from typing import Any, NamedTuple

from trainers.report_page import wording


class History(NamedTuple):
    """The rows of a run's history by rising step, and what was wrong with them.

    Each row holds "step", and any of "epoch", "seconds", "images_per_second",
    "learning_rate", "gradient_norm", "train_bits_per_dim", "validation_bits_per_dim"
    and "validation_ema_bits_per_dim"; all values are finite.
    """

    rows: list[dict[str, float]]
    notes: list[str]

    def points(self, name: str) -> list[tuple[float, float]]:
        """(step, value) of all rows that hold the value."""
        return [(row["step"], row[name]) for row in self.rows if name in row]

    def last(self, name: str) -> float | None:
        """The last value of that name."""
        return next((r[name] for r in reversed(self.rows) if name in r), None)


def read_history(path: pathlib.Path) -> History:
    """Reads `history.jsonl`, as far as it can be read.

    A run may have been killed while it wrote a line, and may have gone on from an
    earlier step: of steps that stand twice, the later lines count.
    """
    rows, damaged, infinite = [], [], 0
    text = path.read_bytes().decode("utf-8", "replace")
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        row = _parse(line)
        if row is None:
            damaged.append(number)
            continue
        kept = {name: wording.finite(value) for name, value in row.items()}
        infinite += sum(_is_infinite(value) for value in row.values())
        while rows and rows[-1]["step"] >= kept["step"]:
            rows.pop()
        rows.append({name: value for name, value in kept.items() if value is not None})
    return History(rows, _notes(path.name, damaged, infinite, text))


def _parse(line: str) -> dict[str, Any] | None:
    """The line's row; None when it is none."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if isinstance(row, dict) and wording.finite(row.get("step")) is not None:
        return row
    return None


def _is_infinite(value: Any) -> bool:
    return isinstance(value, float) and wording.finite(value) is None


def _notes(name: str, damaged: list[int], infinite: int, text: str) -> list[str]:
    notes = []
    if damaged == [len(text.splitlines())] and not text.endswith("\n"):
        notes.append(
            f"The last line of {name} is cut: the run was stopped while writing it, "
            "or is writing it now. It is left out."
        )
    elif damaged:
        listed = ", ".join(map(str, damaged[:5])) + (", …" if damaged[5:] else "")
        notes.append(f"Lines of {name} that cannot be read are left out: {listed}.")
    if infinite:
        values = wording.plural(infinite, "value")
        notes.append(f"{values} in {name} not finite: left out of the curves.")
    return notes
