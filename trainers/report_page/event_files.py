"""History and pictures out of TensorBoard's event files, for runs that have no others.

Only what Keras's own callback and `keras_pixelcnn.callbacks.SampleGrids` write is
known: values at the ends of epochs.
"""

import pathlib
from typing import Any

from trainers.report_page.history import History
from trainers.report_page.pictures import Picture

_TRAIN = {
    "epoch_bits_per_dim": "train_bits_per_dim",
    "epoch_learning_rate": "learning_rate",
}
_STEPS = "evaluation_loss_vs_iterations"


def has_event_files(logs: pathlib.Path) -> bool:
    """Whether there is an event file in the folder or below."""
    return next(logs.rglob("events.out.tfevents.*"), None) is not None


def read_event_history(logs: pathlib.Path, validated: str) -> History:
    """Reads the values of each epoch.

    Args:
        logs: folder of the event files.
        validated: the row's name of what validation measured, which depends on whether
            an average of the weights was validated.
    """
    values: dict[int, dict[str, float]] = {}
    train = _events(logs / "train")
    for tag, name in _TRAIN.items():
        _add(values, name, train.get(tag, []))
    validation = _events(logs / "validation")
    _add(values, validated, validation.get("epoch_bits_per_dim", []))
    steps = _steps_by_epoch(values, validation.get(_STEPS, []))
    rows = [
        {"step": float(steps.get(epoch, epoch + 1)), "epoch": epoch + 1.0, **row}
        for epoch, row in sorted(values.items())
    ]
    note = "There is no history.jsonl: the curves are those of the TensorBoard logs."
    if rows and not steps:
        note += " Steps are unknown, so that epochs stand in their place."
    return History(rows, [note] if rows else [])


def read_event_pictures(logs: pathlib.Path, history: History) -> list[Picture]:
    """Reads the pictures of samples, which are logged by epoch."""
    steps = {row["epoch"]: row["step"] for row in history.rows if "epoch" in row}
    found = {}
    for event in _events(logs / "samples").get("samples", []):
        epoch = event.step + 1
        png = event.tensor_proto.string_val[2]  # after width and height
        found[epoch] = Picture(png, int(steps.get(epoch, epoch)))
    return [found[epoch] for epoch in sorted(found)]


def _events(folder: pathlib.Path) -> dict[str, list[Any]]:
    """All events by tag."""
    if not folder.is_dir():
        return {}
    # Here, as it takes seconds to load and most runs do without.
    from tensorboard.backend.event_processing import event_accumulator

    everything = {event_accumulator.TENSORS: 0}
    log = event_accumulator.EventAccumulator(str(folder), everything)
    log.Reload()
    return {tag: log.Tensors(tag) for tag in log.Tags()["tensors"]}


def _add(values: dict[int, dict[str, float]], name: str, events: list[Any]) -> None:
    from tensorboard.util import tensor_util

    for event in events:
        number = float(tensor_util.make_ndarray(event.tensor_proto))
        values.setdefault(event.step, {})[name] = number


def _steps_by_epoch(
    values: dict[int, dict[str, float]], events: list[Any]
) -> dict[int, int]:
    """The last training step of each epoch; empty when that cannot be told."""
    steps = sorted({event.step for event in events})
    if len(steps) != len(values):
        return {}
    return dict(zip(sorted(values), steps, strict=True))
