"""Reading of a run's folder for its page, as far as the files are there."""

import base64
import datetime
import json
import pathlib
import re
from typing import Any, NamedTuple

from keras_pixelcnn.files import read_json
from trainers.runs.run_folder import RunFolder

MOST_PICTURES = 8
_SIGNS = ("config.json", "history.jsonl", "metrics.json", "checkpoints", "model.keras")
_STEP = re.compile(r"step-(\d+)\.png")


def finite(value: Any) -> float | None:
    """Returns a number as a float, and None for what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Beyond 1e300 differences would overflow.
    return float(value) if abs(value) < 1e300 else None


class Picture(NamedTuple):
    """A PNG file as an address that holds it, and its training step, where known."""

    source: str
    step: int | None


class History(NamedTuple):
    """The rows of a run's history by rising step, and what was wrong with them.

    Each row holds "step", and any of the other figures; all values are finite.
    """

    rows: list[dict[str, float]]
    notes: list[str]

    def points(self, name: str) -> list[tuple[float, float]]:
        """Returns (step, value) of all rows that hold the value."""
        return [(row["step"], row[name]) for row in self.rows if name in row]

    def last(self, name: str) -> float | None:
        """Returns the last value of that name."""
        return next((r[name] for r in reversed(self.rows) if name in r), None)


class RunFiles(NamedTuple):
    """The content of a run's folder. Dicts are empty and pictures None if missing.

    `strips` holds, for "samples" and "completions", those by step that are shown, and
    how many there are; `written` is when the history last grew, UTC.
    """

    name: str
    config: dict[str, Any]
    metrics: dict[str, Any]
    environment: dict[str, Any]
    quality: dict[str, Any]
    history: History
    written: datetime.datetime | None
    strips: dict[str, tuple[list[Picture], int]]
    samples: Picture | None
    completions: Picture | None
    nearest: Picture | None
    notes: list[str]

    def known(self, name: str) -> Any:
        """Returns a fact of the results or, before them, of environment or config."""
        return {**self.config, **self.environment, **self.metrics}.get(name)


def read_run(workdir: pathlib.Path) -> RunFiles:
    """Reads a run's folder; what is missing or damaged is told in `notes`.

    Raises:
        ValueError: when the folder is none, or holds no run.
    """
    if not any((workdir / sign).exists() for sign in _SIGNS):
        raise ValueError(
            "--workdir must be the folder of a run, which holds at least one of "
            f"{', '.join(_SIGNS)}. A run that has just begun may not have them yet. "
            f"Received: {workdir}{'' if workdir.is_dir() else ', and there is none.'}"
        )
    folder, notes, written = RunFolder(workdir), [], None
    config, metrics, environment, quality = (
        _read_dict(path, notes)
        for path in (
            folder.config,
            folder.metrics,
            folder.environment,
            workdir / "quality.json",
        )
    )
    if folder.history.exists():
        seconds = folder.history.stat().st_mtime
        written = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    history = read_history(folder.history)
    facts = ("system", "processor", "cores", "devices", "versions")
    return RunFiles(
        workdir.resolve().name or str(workdir),
        config,
        metrics,
        {name: metrics[name] for name in facts if name in metrics} | environment,
        quality,
        history,
        written,
        {
            name: _read_pictures(workdir / name, notes)
            for name in ("samples", "completions")
        },
        read_picture(folder.samples, notes),
        read_picture(folder.completions, notes),
        read_picture(workdir / "quality_nearest.png", notes),
        [*history.notes, *notes],
    )


def _read_dict(path: pathlib.Path, notes: list[str]) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        content = read_json(path)
    except ValueError:  # also what is no UTF-8
        content = None
    if isinstance(content, dict):
        return content
    notes.append(f"{path.name} is damaged and was left out.")
    return {}


def read_history(path: pathlib.Path) -> History:
    """Reads `history.jsonl`, as far as it is there and can be read.

    A run may have been killed while it wrote a line, and may have gone on from an
    earlier step: of steps that stand twice, the later lines count.
    """
    rows, damaged, infinite, notes = [], [], 0, []
    text = path.read_bytes().decode("utf-8", "replace") if path.exists() else ""
    for number, line in enumerate(text.splitlines(), 1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict) or finite(row.get("step")) is None:
            damaged.append(number)
            continue
        kept = {name: finite(value) for name, value in row.items()}
        infinite += sum(isinstance(row[n], float) and kept[n] is None for n in row)
        while rows and rows[-1]["step"] >= kept["step"]:
            rows.pop()
        rows.append({name: value for name, value in kept.items() if value is not None})
    if damaged:
        listed = ", ".join(map(str, damaged[:5])) + (", …" if damaged[5:] else "")
        notes.append(
            f"Lines of {path.name} that cannot be read are left out: {listed}. A run "
            "that was stopped while it wrote one, or is writing it now, leaves the "
            "last."
        )
    if infinite:
        notes.append(f"{infinite} values in {path.name} not finite: left out.")
    return History(rows, notes)


def read_picture(path: pathlib.Path, notes: list[str]) -> Picture | None:
    """Reads a picture; None for one that is missing or, which is noted, damaged."""
    if not path.is_file():
        return None
    png = path.read_bytes()
    if png.startswith(b"\x89PNG\r\n\x1a\n") and png.endswith(b"IEND\xaeB\x60\x82"):
        found = _STEP.fullmatch(path.name)
        source = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
        return Picture(source, int(found[1]) if found else None)
    notes.append(f"{path.parent.name}/{path.name} is no whole PNG file: left out.")
    return None


def _read_pictures(folder: pathlib.Path, notes: list[str]) -> tuple[list[Picture], int]:
    found = {path: _STEP.fullmatch(path.name) for path in folder.glob("*.png")}
    paths = sorted((p for p in found if found[p]), key=lambda p: int(found[p][1]))
    read = [read_picture(path, notes) for path in spread(paths)]
    return [picture for picture in read if picture], len(paths)


def spread(items: list, most: int = MOST_PICTURES) -> list:
    """Returns at most so many items, evenly spaced, the first and the last included."""
    if len(items) <= most:
        return items
    return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)]
