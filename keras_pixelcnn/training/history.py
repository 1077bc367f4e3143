"""The figures of a run as it goes on: one JSON object a line, none of them twice."""

import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from keras_pixelcnn.files import replace_when_written


class History:
    """A file of JSON lines, each with the "step" that it belongs to.

    Args:
        path: the file; made with the first line.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = pathlib.Path(path)

    def append(self, row: Mapping[str, Any]) -> None:
        """Adds a line."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def flush(self) -> None:
        """Sees to it that all lines are on the disk."""
        if self.path.exists():
            with self.path.open("rb") as file:
                os.fsync(file.fileno())

    def cut(self, step: int) -> None:
        """Takes away what comes after a step, and a last line that was half written.

        Args:
            step: the step that training goes on from.
        """
        if not self.path.exists():
            return
        kept = [row for row in self.rows() if row["step"] <= step]
        with replace_when_written(self.path) as part:
            text = "".join(json.dumps(row) + "\n" for row in kept)
            part.write_text(text, encoding="utf-8")

    def rows(self) -> list[dict[str, Any]]:
        """All whole lines."""
        rows = []
        if self.path.exists():
            text = self.path.read_text(encoding="utf-8", errors="replace")
            for line in text.splitlines():
                try:
                    rows.append(json.loads(line))
                except (ValueError, RecursionError):  # the writer was killed, or worse
                    continue
        return [
            row
            for row in rows
            if isinstance(row, dict) and isinstance(row.get("step"), int)
        ]
