"""Sampling against scoring, and against one whole pass a channel of a pixel.

And scoring with a number for each value against scoring with their sum.

Whole passes are measured on a few pixels and scaled to all.
"""

from collections.abc import Sequence

import tensorflow as tf

import keras_pixelcnn as kp
from benchmarks.networks import MODELS, new_model, random_images
from benchmarks.report import Record, table
from benchmarks.timing import median_seconds

BATCH_SIZES = (1, 16, 64, 256)

SAMPLING_COLUMNS = {
    "score": "{score_seconds:.3f} s",
    "sample": "{sample_seconds:.3f} s",
    "sample / score": "{sample / score:.2f}",
    "sample by XLA": "{xla_sample_seconds:.3f} s",
    "sample by XLA / score": "{sample by XLA / score:.2f}",
}
"""Of a table: what `sampling_record` measures."""


def measure_sampling(
    runs: int,
    names: Sequence[str] = tuple(MODELS),
    batch_sizes: Sequence[int] = BATCH_SIZES,
) -> list[Record]:
    """Seconds to sample a batch, also by XLA, and to score it, and their ratios.

    Args:
        runs: counted runs of each alternative.
        names: keys of `benchmarks.networks.MODELS`.
        batch_sizes: images in a batch.
    """
    records = []
    for name in names:
        model = new_model(name)
        for batch_size in batch_sizes:
            record = sampling_record(model, random_images(name, batch_size), runs)
            records.append({"images": name, "batch_size": batch_size, **record})
    return records


def sampling_record(model: kp.GatedPixelCNN, images: tf.Tensor, runs: int) -> Record:
    """Seconds to sample as many images as are given, and to score those, and ratios.

    Args:
        model: what samples and scores.
        images: int32 (batch_size, height, width, channels).
        runs: counted runs of each alternative.
    """
    batch_size = len(images)
    seconds = median_seconds(
        {
            "score": lambda: model.log_prob(images, batch_size=batch_size),
            "sample": lambda: model.sample(batch_size, seed=1),
            "xla_sample": lambda: model.sample(batch_size, seed=1, jit_compile=True),
        },
        runs,
    )
    return {
        **{f"{way}_seconds": value for way, value in seconds.items()},
        "sample / score": seconds["sample"] / seconds["score"],
        "sample by XLA / score": seconds["xla_sample"] / seconds["score"],
    }


def measure_passes(
    runs: int,
    names: Sequence[str] = tuple(MODELS),
    batch_sizes: Sequence[int] = BATCH_SIZES,
) -> list[Record]:
    """Seconds to sample a batch and to draw it by whole passes, and their ratio.

    Args:
        runs: counted runs of each alternative.
        names: keys of `benchmarks.networks.MODELS`.
        batch_sizes: images in a batch.
    """
    records = []
    for name in names:
        model = new_model(name)
        height, width, _ = model.image_shape
        for batch_size in batch_sizes:
            pixels = min(4, width) if batch_size <= 64 else 1
            by_passes = whole_passes(model, random_images(name, batch_size), pixels)
            seconds = median_seconds(
                {
                    "sample": lambda m=model, n=batch_size: m.sample(n, seed=1),
                    "passes": by_passes,
                },
                runs,
            )
            scaled = seconds["passes"] * height * width / pixels
            records.append(
                {
                    "images": name,
                    "batch_size": batch_size,
                    "pixels_measured": pixels,
                    "sample_seconds": seconds["sample"],
                    "whole_passes_seconds_scaled": scaled,
                    "whole passes / sample": scaled / seconds["sample"],
                }
            )
    return records


def whole_passes(
    model: kp.GatedPixelCNN, images: tf.Tensor, pixels: int
) -> tf.types.experimental.PolymorphicFunction:
    """Draws the first pixels of a row, each channel by a pass of the whole network."""
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
    runs: int,
    names: Sequence[str] = tuple(MODELS),
    batch_sizes: Sequence[int] = (1, 64),
) -> list[Record]:
    """Seconds to score a batch by its sum and value by value, and their ratio.

    Args:
        runs: counted runs of each alternative.
        names: keys of `benchmarks.networks.MODELS`.
        batch_sizes: images in a batch.
    """
    records = []
    for name in names:
        model = new_model(name)
        for batch_size in batch_sizes:
            images = random_images(name, batch_size)
            seconds = median_seconds(
                {
                    way: lambda m=model, x=images, r=reduce: m.log_prob(
                        x, batch_size=len(x), reduce=r
                    )
                    for way, reduce in (("sum", True), ("values", False))
                },
                runs,
            )
            records.append(
                {
                    "images": name,
                    "batch_size": batch_size,
                    **{f"{way}_seconds": value for way, value in seconds.items()},
                    "values / sum": seconds["values"] / seconds["sum"],
                }
            )
    return records


def sampling_table(records: Sequence[Record]) -> str:
    """The records of `measure_sampling` in Markdown."""
    return table(
        {
            "images": "{images}",
            "batch": "{batch_size}",
            **SAMPLING_COLUMNS,
        },
        records,
    )


def values_table(records: Sequence[Record]) -> str:
    """The records of `measure_values` in Markdown."""
    return table(
        {
            "images": "{images}",
            "batch": "{batch_size}",
            "log_prob": "{sum_seconds:.4f} s",
            "with reduce=False": "{values_seconds:.4f} s",
            "with reduce=False / log_prob": "{values / sum:.2f}",
        },
        records,
    )


def passes_table(records: Sequence[Record]) -> str:
    """The records of `measure_passes` in Markdown."""
    return table(
        {
            "images": "{images}",
            "batch": "{batch_size}",
            "sample": "{sample_seconds:.3f} s",
            "whole passes, scaled": "{whole_passes_seconds_scaled:.1f} s",
            "from pixels": "{pixels_measured}",
            "whole passes / sample": "{whole passes / sample:.0f}",
        },
        records,
    )
