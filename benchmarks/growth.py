"""How time and memory grow: of sampling with the side, of training with the depth.

Times are taken in turn in this process; memory is that of a batch beyond a single
image, each measured in fresh processes (see `benchmarks.peak_memory`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras_pixelcnn as kp
from benchmarks.peak_memory import batch_bytes
from benchmarks.report import Record, table
from benchmarks.timing import median_seconds

SIDES = (16, 32, 64, 128)
SAMPLED = {"filters": 16, "num_blocks": 4, "kernel_size": 3}
"""Arguments of the model that is sampled, of side x side x 1 images."""

DEPTHS = (8, 16, 32)
TRAINED = {"image_shape": (28, 28, 1), "filters": 32, "kernel_size": 3}
"""Arguments of the model that is trained, of so many blocks."""


def measure(runs: int) -> list[Record]:
    """Both, the records of sampling first; see there."""
    return [*measure_sampling(runs), *measure_training()]


def measure_sampling(
    runs: int,
    sides: Sequence[int] = SIDES,
    time_batch_size: int = 16,
    memory_batch_size: int = 256,
    memory_runs: int = 5,
    model: Mapping[str, Any] = SAMPLED,
) -> list[Record]:
    """Time and memory of sampling, each with its ratio to that of the side before.

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
    records = []
    for side in sides:
        taken = batch_bytes("sample", memory_batch_size, arguments[side], memory_runs)
        records.append(
            {
                "side": side,
                "time_batch_size": time_batch_size,
                "seconds": seconds[side],
                "memory_batch_size": memory_batch_size,
                "memory_runs": memory_runs,
                "bytes": taken,
            }
        )
    return with_ratios(records, "seconds", "bytes")


def measure_training(
    depths: Sequence[int] = DEPTHS,
    batch_size: int = 64,
    memory_runs: int = 5,
    model: Mapping[str, Any] = TRAINED,
) -> list[Record]:
    """Memory of training at each depth, with and without gradient checkpointing.

    Args:
        depths: numbers of blocks.
        batch_size: images in a batch.
        memory_runs: pairs of processes for each depth.
        model: arguments of `GatedPixelCNN`.
    """
    records = []
    for depth in depths:
        kept, checkpointed = (
            batch_bytes(
                "train",
                batch_size,
                {**model, "num_blocks": depth, "gradient_checkpointing": checkpointing},
                memory_runs,
            )
            for checkpointing in (False, True)
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


def as_table(records: Sequence[Record]) -> str:
    """The records of both in Markdown, a table each."""
    by_side = [record for record in records if "side" in record]
    by_depth = [record for record in records if "blocks" in record]
    return f"{sampling_table(by_side)}\n\n{training_table(by_depth)}"


def sampling_table(records: Sequence[Record]) -> str:
    """The records of `measure_sampling` in Markdown."""
    return table(
        {
            "image": "{side}x{side}x1",
            "time": "{seconds:.3f} s",
            "time / side before": _ratio("seconds"),
            "memory": _megabytes("bytes"),
            "memory / side before": _ratio("bytes"),
        },
        records,
    )


def training_table(records: Sequence[Record]) -> str:
    """The records of `measure_training` in Markdown."""
    return table(
        {
            "blocks": "{blocks}",
            "memory": _megabytes("bytes"),
            "memory / depth before": _ratio("bytes"),
            "checkpointed": _megabytes("checkpointed_bytes"),
            "checkpointed / depth before": _ratio("checkpointed_bytes"),
            "checkpointed / memory": "{checkpointed / kept:.2f}",
        },
        records,
    )


def _ratio(name: str) -> Any:
    return lambda record: (
        f"{record[f'{name} / before']:.2f}" if record[f"{name} / before"] else "-"
    )


def _megabytes(name: str) -> Any:
    return lambda record: f"{record[name] / 1e6:,.0f} MB"
