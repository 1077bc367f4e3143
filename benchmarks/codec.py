"""Compressing and decompressing against scoring and sampling."""

from collections.abc import Sequence

import numpy as np

import keras_pixelcnn as kp
from benchmarks.networks import MODELS, new_model
from benchmarks.report import Record, table
from benchmarks.timing import median_seconds

BATCH_SIZES = (1, 256)


def measure(
    runs: int,
    names: Sequence[str] = tuple(MODELS),
    batch_sizes: Sequence[int] = BATCH_SIZES,
) -> list[Record]:
    """Seconds to score, sample, compress and decompress a batch, and their ratios.

    The images are drawn from the model, as those that a trained one meets are likely to
    it; what is not likely takes more bytes and the same time.

    Args:
        runs: counted runs of each alternative.
        names: keys of `benchmarks.networks.MODELS`.
        batch_sizes: images in a batch.
    """
    records = []
    for name in names:
        model = new_model(name)
        for batch_size in batch_sizes:
            record = _record(model, batch_size, runs)
            records.append({"images": name, "batch_size": batch_size, **record})
    return records


def _record(model: kp.GatedPixelCNN, batch_size: int, runs: int) -> Record:
    codec = kp.codecs.PixelCNNCodec(model, batch_size)
    images = model.sample(batch_size, seed=1).numpy()
    stream = codec.compress(images)
    seconds = median_seconds(
        {
            "score": lambda: model.log_prob(images, batch_size=batch_size),
            "sample": lambda: model.sample(batch_size, seed=1),
            "compress": lambda: len(codec.compress(images)),
            "decompress": lambda: codec.decompress(stream),
        },
        runs,
    )
    if not np.array_equal(codec.decompress(stream), images):
        raise RuntimeError("Other images came back: the times are of no codec.")
    return {
        **{f"{way}_seconds": value for way, value in seconds.items()},
        "compress / score": seconds["compress"] / seconds["score"],
        "decompress / score": seconds["decompress"] / seconds["score"],
        "compressed_per_second": batch_size / seconds["compress"],
        "decompressed_per_second": batch_size / seconds["decompress"],
    }


def as_table(records: Sequence[Record]) -> str:
    """The records in Markdown."""
    return table(
        {
            "images": "{images}",
            "batch": "{batch_size}",
            "score": "{score_seconds:.3f} s",
            "sample": "{sample_seconds:.3f} s",
            "compress": "{compress_seconds:.3f} s",
            "decompress": "{decompress_seconds:.3f} s",
            "compress / score": "{compress / score:.2f}",
            "decompress / score": "{decompress / score:.2f}",
            "images/s": "{compressed_per_second:.0f}, {decompressed_per_second:.0f}",
        },
        records,
    )
