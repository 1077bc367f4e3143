"""Measures how sampling grows with the side, and training with the depth.

Times are taken in turn in this process; memory is that of a batch beyond a single
image, each measured in fresh processes (see `benchmarks.peak_memory`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras_pixelcnn as kp
from benchmarks.peak_memory import batch_bytes
from benchmarks.report import Record, Row
from benchmarks.timing import median_seconds

SAMPLED = {"filters": 16, "num_blocks": 4, "kernel_size": 3}
"""Arguments of the model that is sampled, of side x side x 1 images."""

TRAINED = {"image_shape": (28, 28, 1), "filters": 32, "kernel_size": 3}
"""Arguments of the model that is trained, of so many blocks."""


def measure(runs: int) -> list[Record]:
    """Measures both, the records of sampling first; see there."""
    return [*measure_sampling(runs), *measure_training()]


def measure_sampling(
    runs: int,
    sides: Sequence[int] = (16, 32, 64, 128),
    time_batch_size: int = 16,
    memory_batch_size: int = 256,
    memory_runs: int = 5,
    model: Mapping[str, Any] = SAMPLED,
) -> list[Record]:
    """Measures sampling, each with its ratio to that of the side before.

    Args:
        runs: counted runs of each side, for the times.
        sides: height and width of the images.
        time_batch_size: images in a batch whose sampling is timed.
        memory_batch_size: images in a batch whose memory is measured.
        memory_runs: pairs of processes for each side.
        model: arguments of `GatedPixelCNN`.
    """
    arguments = {side: {**model, "image_shape": (side, side, 1)} for side in sides}
    models = {side: kp.GatedPixelCNN(**arguments[side]) for side in sides}
    seconds = median_seconds(
        {
            side: lambda m=network: m.sample(time_batch_size, seed=1)
            for side, network in models.items()
        },
        runs,
    )
    records = [
        {
            "side": side,
            "time_batch_size": time_batch_size,
            "seconds": seconds[side],
            "memory_batch_size": memory_batch_size,
            "memory_runs": memory_runs,
            "bytes": batch_bytes(
                "sample", memory_batch_size, arguments[side], memory_runs
            ),
        }
        for side in sides
    ]
    return with_ratios(records, "seconds", "bytes")


def measure_training(
    depths: Sequence[int] = (8, 16, 32),
    batch_size: int = 64,
    memory_runs: int = 5,
    model: Mapping[str, Any] = TRAINED,
) -> list[Record]:
    """Measures memory of training, with and without gradient checkpointing.

    Args:
        depths: numbers of blocks.
        batch_size: images in a batch.
        memory_runs: pairs of processes for each depth.
        model: arguments of `GatedPixelCNN`.
    """
    records = []
    for depth in depths:
        network = {**model, "num_blocks": depth}
        kept, checkpointed = (
            batch_bytes(
                "train",
                batch_size,
                {**network, "gradient_checkpointing": x},
                memory_runs,
            )
            for x in (False, True)
        )
        records.append(
            {
                "blocks": depth,
                "batch_size": batch_size,
                "memory_runs": memory_runs,
                "bytes": kept,
                "checkpointed_bytes": checkpointed,
                "checkpointed / kept": checkpointed / kept,
            }
        )
    return with_ratios(records, "bytes", "checkpointed_bytes")


def with_ratios(records: Sequence[Record], *names: str) -> list[Record]:
    """Adds to each record the ratios to the record before; to the first None."""
    before = [None, *records[:-1]]
    return [
        {
            **record,
            **{f"{n} / before": last and record[n] / last[n] for n in names},
        }
        for record, last in zip(records, before, strict=True)
    ]


def _ratio(name: str) -> Callable[[Record], str]:
    return lambda record: (
        f"{record[f'{name} / before']:.2f}" if record[f"{name} / before"] else "-"
    )


def _megabytes(name: str) -> Callable[[Record], str]:
    return lambda record: f"{record[name] / 1e6:,.0f} MB"


ROW = Row(
    "Growth with the side and the depth",
    measure,
    (
        {
            "image": "{side}x{side}x1",
            "time": "{seconds:.3f} s",
            "time / side before": _ratio("seconds"),
            "memory": _megabytes("bytes"),
            "memory / side before": _ratio("bytes"),
        },
        {
            "blocks": "{blocks}",
            "memory": _megabytes("bytes"),
            "memory / depth before": _ratio("bytes"),
            "checkpointed": _megabytes("checkpointed_bytes"),
            "checkpointed / depth before": _ratio("checkpointed_bytes"),
            "checkpointed / memory": "{checkpointed / kept:.2f}",
        },
    ),
)
