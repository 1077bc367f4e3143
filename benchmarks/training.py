"""A training step against the same network built the usual way."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from benchmarks.networks import (
    MODELS,
    image_shape,
    new_model,
    num_parameters,
    random_images,
)
from benchmarks.report import Record, table
from benchmarks.timing import median_seconds
from benchmarks.usual_network import usual_network

KERNELS = ("full", "row")
"""Kernels of the usual horizontal stack: k x k, of which one row is open, or 1 x k."""


def compiled_step(model: keras.Model, *batch: Any) -> Callable[[], Any]:
    """One step of a compiled model's own training, on a batch that lies in memory."""
    return lambda: model.train_on_batch(*batch)


def measure(
    runs: int, names: Sequence[str] = tuple(MODELS), batch_size: int = 64
) -> list[Record]:
    """Seconds of a step of each network, by Keras's own compiled step with Adam.

    Args:
        runs: counted runs of each alternative.
        names: keys of `benchmarks.networks.MODELS`.
        batch_size: images in a batch.
    """
    records = []
    for name in names:
        images = random_images(name, batch_size)
        ours = new_model(name)
        ours.compile("adam")
        steps = {"ours": compiled_step(ours, images)}
        for kernels in KERNELS:
            usual = usual_network(
                image_shape(name), **MODELS[name], full_kernels=kernels == "full"
            )
            usual.compile(
                "adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            )
            steps[kernels] = compiled_step(usual, images, images)
        seconds = median_seconds(steps, runs)
        records.append(
            {
                "images": name,
                "batch_size": batch_size,
                "parameters": num_parameters(ours.trainable_weights),
                "jit_compile": bool(ours.jit_compile),
                "step_seconds": seconds["ours"],
                **{f"usual_{kind}_seconds": seconds[kind] for kind in KERNELS},
                **{f"usual {k} / ours": seconds[k] / seconds["ours"] for k in KERNELS},
            }
        )
    return records


def as_table(records: Sequence[Record]) -> str:
    """The records in Markdown."""
    return table(
        {
            "images": "{images}",
            "batch": "{batch_size}",
            "training step": "{step_seconds:.3f} s",
            "full masked kernels": "{usual_full_seconds:.3f} s",
            "with 1 x k in the row": "{usual_row_seconds:.3f} s",
            "full / ours": "{usual full / ours:.2f}",
            "1 x k / ours": "{usual row / ours:.2f}",
        },
        records,
    )
