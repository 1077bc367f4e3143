"""Sampling maps of codes against scoring them: priors such as that of a VQ-VAE."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

import keras_pixelcnn as kp
from benchmarks.report import Record, table
from benchmarks.sampling import SAMPLING_COLUMNS, sampling_record

IMAGE_SHAPE = (8, 8, 1)
ENTRIES = (512, 8192)
ARGUMENTS = {"filters": 64, "num_blocks": 8, "kernel_size": 3, "first_kernel_size": 5}


def measure(
    runs: int,
    entries: Sequence[int] = ENTRIES,
    batch_size: int = 64,
    arguments: dict[str, Any] | None = None,
) -> list[Record]:
    """Seconds to sample a batch of codes, also by XLA, and to score it.

    Args:
        runs: counted runs of each alternative.
        entries: sizes of the codebook.
        batch_size: maps in a batch.
        arguments: of `GatedPixelCNN`. Default: `ARGUMENTS`.
    """
    records = []
    for num_levels in entries:
        model = kp.GatedPixelCNN(
            IMAGE_SHAPE,
            num_levels,
            input_encoding="embedding",
            **(ARGUMENTS if arguments is None else arguments),
        )
        codes = tf.random.stateless_uniform(
            [batch_size, *IMAGE_SHAPE], [1, 2], maxval=num_levels, dtype=tf.int32
        )
        record = sampling_record(model, codes, runs)
        records.append({"entries": num_levels, "batch_size": batch_size, **record})
    return records


def as_table(records: Sequence[Record]) -> str:
    """The records of `measure` in Markdown."""
    return table(
        {
            "codes": lambda record: "x".join(map(str, IMAGE_SHAPE[:2])),
            "entries": "{entries:,}",
            "batch": "{batch_size}",
            **SAMPLING_COLUMNS,
        },
        records,
    )
