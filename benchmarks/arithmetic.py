"""Useful arithmetic a second against the machine's own rate of matrix products.

Useful are the operations that `GatedPixelCNN.flops` counts: those of convolutions and
matrix products that the masks leave open. Scoring and sampling take them once an image,
a training step three times: for the pass, for the gradients of the features and for
those of the weights. The machine's rate is that of one large product of float32
matrices, which no network reaches.
"""

from collections.abc import Sequence

import tensorflow as tf

from benchmarks.networks import MODELS, new_model, random_images
from benchmarks.report import Record, table
from benchmarks.timing import median_seconds
from benchmarks.training import compiled_step

PASSES = {"train": 3, "score": 1, "sample": 1}
"""Whole passes that each kind of work takes, in floating point operations."""


def measure(
    runs: int,
    names: Sequence[str] = tuple(MODELS),
    batch_size: int = 64,
    matrix_size: int = 2048,
) -> list[Record]:
    """Operations a second of each kind of work, and their share of the machine's rate.

    Args:
        runs: counted runs of each alternative.
        names: keys of `benchmarks.networks.MODELS`.
        batch_size: images in a batch.
        matrix_size: rows and columns of the matrices that give the machine's rate.
    """
    records = []
    for name in names:
        model = new_model(name)
        model.compile("adam")
        images = random_images(name, batch_size)
        seconds = median_seconds(
            {
                "matrices": matrix_product(matrix_size),
                "train": compiled_step(model, images),
                "score": lambda m=model, x=images: m.log_prob(x, batch_size=len(x)),
                "sample": lambda m=model: m.sample(batch_size, seed=1),
            },
            runs,
        )
        peak = 2 * matrix_size**3 / seconds["matrices"]
        for kind, passes in PASSES.items():
            rate = passes * model.flops() * batch_size / seconds[kind]
            records.append(
                {
                    "images": name,
                    "kind": kind,
                    "batch_size": batch_size,
                    "flops_per_image": passes * model.flops(),
                    "seconds": seconds[kind],
                    "flops_per_second": rate,
                    "machine_flops_per_second": peak,
                    "rate / machine": rate / peak,
                }
            )
    return records


def matrix_product(size: int) -> tf.types.experimental.PolymorphicFunction:
    """The product of two square matrices of float32, as a compiled function."""
    left, right = (tf.random.stateless_normal([size, size], [i, 2]) for i in (0, 1))
    # Of the product one number is given back: copying it all would take time, too.
    return tf.function(lambda: tf.matmul(left, right)[0, 0], autograph=False)


def as_table(records: Sequence[Record]) -> str:
    """The records in Markdown."""
    return table(
        {
            "images": "{images}",
            "": "{kind}",
            "GFLOP an image": lambda row: f"{row['flops_per_image'] / 1e9:.2f}",
            "seconds": "{seconds:.3f}",
            "GFLOP/s": lambda row: f"{row['flops_per_second'] / 1e9:.1f}",
            "machine": lambda row: f"{row['machine_flops_per_second'] / 1e9:.1f}",
            "share of the machine's": "{rate / machine:.0%}",
        },
        records,
    )
