"""A training step against the same network built the usual way."""

from collections.abc import Sequence

import keras

from benchmarks.report import Record, Row
from benchmarks.timing import MODELS, batches, compare, compiled_step, num_parameters
from benchmarks.usual_network import usual_network

KERNELS = {"usual_full": True, "usual_row": False}
"""Kernels of the usual horizontal stack: k x k, of which one row is open, or 1 x k."""


def measure(
    runs: int, names: Sequence[str] | None = None, batch_size: int = 64
) -> list[Record]:
    """Compares a step of each network, by Keras's own compiled step with Adam.

    Args:
        runs: counted runs of each alternative.
        names: keys of `benchmarks.timing.MODELS`. Default: all.
        batch_size: images in a batch.
    """
    records = []
    for record, ours, images in batches(names, [batch_size]):
        ours.compile("adam")
        steps = {"ours": compiled_step(ours, images)}
        for name, full_kernels in KERNELS.items():
            arguments = MODELS[record["images"]]
            usual = usual_network(
                ours.image_shape, **arguments, full_kernels=full_kernels
            )
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            usual.compile("adam", loss)
            steps[name] = compiled_step(usual, images, images)
        facts = {
            "parameters": num_parameters(ours.trainable_weights),
            "jit_compile": bool(ours.jit_compile),
        }
        found = compare(steps, runs, *(f"{name} / ours" for name in KERNELS))
        records.append({**record, **facts, **found})
    return records


ROW = Row(
    "Training against full kernels times a mask",
    measure,
    {
        "images": "{images}",
        "batch": "{batch_size}",
        "training step": "{ours_seconds:.3f} s",
        "full masked kernels": "{usual_full_seconds:.3f} s",
        "with 1 x k in the row": "{usual_row_seconds:.3f} s",
        "full / ours": "{usual_full / ours:.2f}",
        "1 x k / ours": "{usual_row / ours:.2f}",
    },
)
