"""Everything that the page shows of a run's folder, as far as it is there."""

import datetime
import pathlib
from typing import Any, NamedTuple

from trainers.report_page import event_files, wording
from trainers.report_page.history import History, read_history
from trainers.report_page.pictures import (
    Picture,
    read_picture,
    read_pictures,
    spread,
)
from trainers.runs.run_folder import RunFolder, read_json

MOST_PICTURES = 8
_SIGNS = ("config.json", "history.jsonl", "metrics.json", "checkpoints", "model.keras")
_ENVIRONMENT = ("system", "processor", "cores", "devices")
"""What the results tell of the environment, which a file of its own may tell first."""


class Run(NamedTuple):
    """What is known of a run. Dicts are empty and pictures None where nothing is."""

    name: str
    config: dict[str, Any]
    metrics: dict[str, Any]
    environment: dict[str, Any]
    history: History
    written: datetime.datetime | None  # when the history last grew, UTC
    sample_pictures: list[Picture]
    num_sample_pictures: int
    completion_pictures: list[Picture]
    num_completion_pictures: int
    samples: Picture | None
    completions: Picture | None
    notes: list[str]

    @property
    def finished(self) -> bool:
        """Whether the run wrote its results."""
        return bool(self.metrics)

    def known(self, name: str) -> Any:
        """A fact that the results or, before them, the environment may hold."""
        return self.metrics.get(name, self.environment.get(name))


def read_run(workdir: pathlib.Path) -> Run:
    """Reads a run's folder.

    What is missing or damaged is told in `notes`.

    Raises:
        ValueError: when the folder is none, or holds no run.
    """
    _check(workdir)
    folder, notes = RunFolder(workdir), []
    config = _read_dict(folder.config, notes)
    metrics = _read_dict(folder.metrics, notes)
    history, written = _read_history(folder, config)
    samples, num_samples = read_pictures(workdir / "samples", MOST_PICTURES, notes)
    if not num_samples and event_files.has_event_files(folder.logs / "samples"):
        logged = event_files.read_event_pictures(folder.logs, history)
        samples, num_samples = spread(logged, MOST_PICTURES), len(logged)
    completions = read_pictures(workdir / "completions", MOST_PICTURES, notes)
    environment = {name: metrics[name] for name in _ENVIRONMENT if name in metrics}
    environment |= _read_dict(folder.environment, notes)
    return Run(
        name=workdir.resolve().name or str(workdir),
        config=config,
        metrics=metrics,
        environment=environment,
        history=history,
        written=written,
        sample_pictures=samples,
        num_sample_pictures=num_samples,
        completion_pictures=completions[0],
        num_completion_pictures=completions[1],
        samples=read_picture(folder.samples, notes),
        completions=read_picture(folder.completions, notes),
        notes=[*history.notes, *notes],
    )


def _check(workdir: pathlib.Path) -> None:
    if not workdir.is_dir():
        raise ValueError(
            f"--workdir must be the folder of a run, and there is none. Received: "
            f"{workdir}"
        )
    if not any((workdir / sign).exists() for sign in _SIGNS):
        raise ValueError(
            f"--workdir must be the folder of a run, which holds at least one of "
            f"{', '.join(_SIGNS)}. A run that has just begun may not have them yet. "
            f"Received: {workdir}"
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


def _read_history(
    folder: RunFolder, config: dict[str, Any]
) -> tuple[History, datetime.datetime | None]:
    path = folder.path / "history.jsonl"
    if path.exists():
        seconds = path.stat().st_mtime
        written = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
        return read_history(path), written
    if event_files.has_event_files(folder.logs):
        averaged = wording.finite(config.get("ema_momentum")) is not None
        name = "validation_ema" if averaged else "validation"
        history = event_files.read_event_history(folder.logs, f"{name}_bits_per_dim")
        return history, None
    return History([], []), None
