"""Useful arithmetic a second against the machine's own rate of matrix products.

Useful are the operations that `GatedPixelCNN.flops` counts: those of convolutions and
matrix products that the masks leave open. Scoring and sampling take them once an image,
a training step three times: for the pass, for the gradients of the features and for
those of the weights. The machine's rate is that of one large product of matrices, which
no network reaches.
"""

from collections.abc import Callable, Sequence

import tensorflow as tf

from benchmarks.report import Record, Row
from benchmarks.timing import batches, compiled_step, median_seconds

PASSES = {"train": 3, "score": 1, "sample": 1}
"""Whole passes that each kind of work takes, in floating point operations."""


def measure(
    runs: int,
    names: Sequence[str] | None = None,
    batch_size: int = 64,
    matrix_size: int = 2048,
) -> list[Record]:
    """Measures operations a second, and their share of the machine's rate.

    Args:
        runs: counted runs of each alternative.
        names: keys of `benchmarks.timing.MODELS`. Default: all.
        batch_size: images in a batch.
        matrix_size: rows and columns of the matrices that give the machine's rate.
    """
    records = []
    for record, model, images in batches(names, [batch_size]):
        model.compile("adam")
        seconds = median_seconds(
            {
                "matrices": matrix_product(matrix_size),
                "train": compiled_step(model, images),
                "score": lambda m=model, x=images: m.log_prob(x, batch_size=len(x)),
                "sample": lambda m=model: m.sample(batch_size, seed=1),
            },
            runs,
        )
        for kind, passes in PASSES.items():
            flops = passes * model.flops()
            records.append(
                {
                    **record,
                    "kind": kind,
                    "flops_per_image": flops,
                    "seconds": seconds[kind],
                    **rates(
                        flops * batch_size,
                        seconds[kind],
                        matrix_size,
                        seconds["matrices"],
                    ),
                }
            )
    return records


def rates(
    flops: float, seconds: float, matrix_size: int, matrix_seconds: float
) -> Record:
    """Returns the rate of some work, that of a product of matrices, and their ratio."""
    rate, peak = flops / seconds, 2 * matrix_size**3 / matrix_seconds
    return {
        "flops_per_second": rate,
        "machine_flops_per_second": peak,
        "rate / machine": rate / peak,
    }


def matrix_product(size: int, dtype: str = "float32") -> Callable[[], tf.Tensor]:
    """Returns the product of two square matrices, as a compiled function."""
    left, right = (
        tf.cast(tf.random.stateless_normal([size, size], [i, 2]), dtype) for i in (0, 1)
    )

    def product() -> tf.Tensor:
        # One number is given back: copying all would take time, too.
        return tf.cast(tf.matmul(left, right)[0, 0], tf.float32)

    return tf.function(product, autograph=False)


ROW = Row(
    "Useful arithmetic against the machine's matrix products",
    measure,
    {
        "images": "{images}",
        "": "{kind}",
        "GFLOP an image": lambda row: f"{row['flops_per_image'] / 1e9:.2f}",
        "seconds": "{seconds:.3f}",
        "GFLOP/s": lambda row: f"{row['flops_per_second'] / 1e9:.1f}",
        "machine": lambda row: f"{row['machine_flops_per_second'] / 1e9:.1f}",
        "share of the machine's": "{rate / machine:.0%}",
    },
)
