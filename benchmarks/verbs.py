"""Verbs of a model against each other: sample, score, complete, compress.

Whole passes are measured on a few pixels and scaled to all.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

import keras_pixelcnn as kp
from benchmarks.report import Record, Row
from benchmarks.timing import batches, compare, new_model

BATCH_SIZES = (1, 16, 64, 256)
CODE_SHAPE = (8, 8, 1)
CODE_MODEL = {"filters": 64, "num_blocks": 8, "kernel_size": 3, "first_kernel_size": 5}
"""Arguments of the model of codes."""

Names = Sequence[str] | None
"""Keys of `benchmarks.timing.MODELS`; None for all."""


def measure_sampling(
    runs: int, names: Names = None, batch_sizes: Sequence[int] = BATCH_SIZES
) -> list[Record]:
    """Compares sampling a batch, also by XLA, with scoring it."""
    return [
        {**record, **_sampling(model, images, runs)}
        for record, model, images in batches(names, batch_sizes)
    ]


def measure_codes(
    runs: int,
    entries: Sequence[int] = (512, 8192),
    batch_size: int = 64,
    arguments: Mapping[str, Any] = CODE_MODEL,
) -> list[Record]:
    """Compares sampling maps of codes, as of a VQ-VAE, with scoring them.

    Args:
        runs: counted runs of each alternative.
        entries: sizes of the codebook.
        batch_size: maps in a batch.
        arguments: of `GatedPixelCNN`.
    """
    records = []
    for size in entries:
        model = kp.GatedPixelCNN(
            CODE_SHAPE, size, input_encoding="embedding", **arguments
        )
        codes = tf.random.stateless_uniform(
            [batch_size, *CODE_SHAPE], [1, 2], maxval=size, dtype=tf.int32
        )
        record = {"entries": size, "batch_size": batch_size}
        records.append({**record, **_sampling(model, codes, runs)})
    return records


def _sampling(model: kp.GatedPixelCNN, images: tf.Tensor, runs: int) -> Record:
    size = len(images)
    ways = {
        "score": lambda: model.log_prob(images, batch_size=size),
        "sample": lambda: model.sample(size, seed=1),
        "xla_sample": lambda: model.sample(size, seed=1, jit_compile=True),
    }
    return compare(ways, runs, "sample / score", "xla_sample / score")


def measure_passes(
    runs: int, names: Names = None, batch_sizes: Sequence[int] = BATCH_SIZES
) -> list[Record]:
    """Compares sampling a batch with a whole pass for each channel of each pixel."""
    records = []
    for record, model, images in batches(names, batch_sizes):
        height, width, _ = model.image_shape
        pixels = min(4, width) if len(images) <= 64 else 1
        ways = {
            "sample": lambda m=model, x=images: m.sample(len(x), seed=1),
            "passes": whole_passes(model, images, pixels),
        }
        found = compare(ways, runs, "passes / sample")
        for name in ("passes_seconds", "passes / sample"):
            found[name] *= height * width / pixels
        records.append({**record, "pixels_measured": pixels, **found})
    return records


def whole_passes(
    model: kp.GatedPixelCNN, images: tf.Tensor, pixels: int
) -> Callable[[], tf.Tensor]:
    """Samples the first pixels of a row, each channel by a pass of the network."""
    likelihood = model.pixel_likelihood
    batch_size, _, _, channels = images.shape
    noise = tf.random.stateless_uniform([pixels, channels, batch_size], [3, 4])
    examples = tf.range(batch_size)

    @tf.function(autograph=False)
    def run() -> tf.Tensor:
        drawn = images
        for column in range(pixels):
            for channel in range(channels):
                logits = model(drawn, training=False)[:, 0, column, channel]
                values = likelihood.sample(
                    logits, noise[column, channel], tf.ones([batch_size])
                )
                place = tf.broadcast_to([0, column, channel], [batch_size, 3])
                index = tf.concat([examples[:, tf.newaxis], place], axis=1)
                drawn = tf.tensor_scatter_nd_update(drawn, index, values)
        return drawn

    return run


def measure_values(
    runs: int, names: Names = None, batch_sizes: Sequence[int] = (1, 64)
) -> list[Record]:
    """Compares a score for each value of a batch with their sums."""
    records = []
    for record, model, images in batches(names, batch_sizes):
        ways = {
            way: lambda m=model, x=images, r=reduce: m.log_prob(
                x, batch_size=len(x), reduce=r
            )
            for way, reduce in (("sum", True), ("values", False))
        }
        records.append({**record, **compare(ways, runs, "values / sum")})
    return records


def measure_codec(
    runs: int, names: Names = None, batch_sizes: Sequence[int] = (1, 256)
) -> list[Record]:
    """Compares compressing and decompressing a batch with scoring and sampling it.

    The images are drawn from the model, as those that a trained one meets are likely to
    it; what is not likely takes more bytes and the same time.

    Raises:
        RuntimeError: when other images come back.
    """
    records = []
    for record, model, _ in batches(names, batch_sizes):
        size = record["batch_size"]
        codec = kp.codecs.PixelCNNCodec(model, size)
        images = model.sample(size, seed=1).numpy()
        stream = codec.compress(images)
        if not np.array_equal(codec.decompress(stream), images):
            raise RuntimeError("Other images came back: the times are of no codec.")
        ways = {
            "score": lambda m=model, x=images: m.log_prob(x, batch_size=len(x)),
            "sample": lambda m=model, n=size: m.sample(n, seed=1),
            "compress": lambda c=codec, x=images: len(c.compress(x)),
            "decompress": lambda c=codec, s=stream: c.decompress(s),
        }
        found = compare(ways, runs, "compress / score", "decompress / score")
        rates = {
            f"{way}ed_per_second": size / found[f"{way}_seconds"]
            for way in ("compress", "decompress")
        }
        records.append({**record, **found, **rates})
    return records


def measure_requests(
    runs: int, names: Names = None, batch_sizes: Sequence[int] = (64,)
) -> list[Record]:
    """Compares completing, labels and guidance with a plain sample.

    That is completing the lower half of a batch, and sampling it for labels, without
    and with guidance; the plain sample is of an unconditional model of the same size.
    """
    records = []
    for record, model, images in batches(names, batch_sizes):
        by_label = new_model(record["images"], num_classes=10, condition_dropout=0.1)
        label = {"label": np.arange(len(images)) % 10, "seed": 1}
        upper_half = np.zeros(model.image_shape[:2], bool)
        upper_half[: len(upper_half) // 2] = True
        ways = {
            "sample": lambda m=model, x=images: m.sample(len(x), seed=1),
            "complete": lambda m=model, x=images, u=upper_half: m.complete(
                x, u, seed=1
            ),
            "label": lambda m=by_label, y=label: m.sample(**y),
            "guided": lambda m=by_label, y=label: m.sample(**y, guidance_scale=2.0),
        }
        ratios = [f"{way} / sample" for way in ("complete", "label", "guided")]
        records.append({**record, **compare(ways, runs, *ratios)})
    return records


_BATCH = {"images": "{images}", "batch": "{batch_size}"}
_SAMPLING = {
    "score": "{score_seconds:.3f} s",
    "sample": "{sample_seconds:.3f} s",
    "sample / score": "{sample / score:.2f}",
    "sample by XLA": "{xla_sample_seconds:.3f} s",
    "sample by XLA / score": "{xla_sample / score:.2f}",
}

SAMPLING = Row("Sampling against scoring", measure_sampling, {**_BATCH, **_SAMPLING})
PASSES = Row(
    "Sampling against whole passes of the network",
    measure_passes,
    {
        **_BATCH,
        "sample": "{sample_seconds:.3f} s",
        "whole passes, scaled": "{passes_seconds:.1f} s",
        "from pixels": "{pixels_measured}",
        "whole passes / sample": "{passes / sample:.0f}",
    },
)
CODEC = Row(
    "Compressing and decompressing against scoring",
    measure_codec,
    {
        **_BATCH,
        "score": "{score_seconds:.3f} s",
        "sample": "{sample_seconds:.3f} s",
        "compress": "{compress_seconds:.3f} s",
        "decompress": "{decompress_seconds:.3f} s",
        "compress / score": "{compress / score:.2f}",
        "decompress / score": "{decompress / score:.2f}",
        "images/s": "{compressed_per_second:.0f}, {decompressed_per_second:.0f}",
    },
)
CODES = Row(
    "Sampling codes against scoring them",
    measure_codes,
    {
        "codes": lambda record: "x".join(map(str, CODE_SHAPE[:2])),
        "entries": "{entries:,}",
        "batch": "{batch_size}",
        **_SAMPLING,
    },
)
VALUES = Row(
    "Scoring value by value against scoring by the sum",
    measure_values,
    {
        **_BATCH,
        "log_prob": "{sum_seconds:.4f} s",
        "with reduce=False": "{values_seconds:.4f} s",
        "with reduce=False / log_prob": "{values / sum:.2f}",
    },
)
REQUESTS = Row(
    "Completion, labels and guidance against a plain sample",
    measure_requests,
    {
        **_BATCH,
        "sample": "{sample_seconds:.3f} s",
        "complete the lower half / sample": "{complete / sample:.2f}",
        "for labels / sample": "{label / sample:.2f}",
        "with guidance / sample": "{guided / sample:.2f}",
    },
)
