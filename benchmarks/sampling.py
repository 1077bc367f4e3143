"""Sampling against scoring, and against one whole pass a channel of a pixel.

    python -m benchmarks.sampling --output=sampling.json

For each image size and batch size, the time to sample a batch divided by the time to
score it, and the time that whole passes would take divided by the time to sample.
Whole passes are measured on a few pixels and scaled to all.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from absl import flags

import keras_pixelcnn as kp
from benchmarks import report
from benchmarks.timing import median_seconds
from trainers import programs

MODELS = {
    "28x28x1": {"filters": 32, "num_blocks": 8, "kernel_size": 5},
    "32x32x3": {"filters": 60, "num_blocks": 8, "kernel_size": 3},
}


def measure(name: str, batch_size: int, runs: int, pixels: int) -> dict[str, Any]:
    """The row of one model and batch size.

    Args:
        name: a key of `MODELS`.
        batch_size: images in a batch.
        runs: counted runs of each alternative.
        pixels: pixels drawn by whole passes, before scaling.

    Returns:
        Seconds to score and sample a batch and to draw it by whole passes, and ratios.
    """
    image_shape = tuple(int(size) for size in name.split("x"))
    model = kp.GatedPixelCNN(image_shape, **MODELS[name])
    images = tf.random.stateless_uniform(
        [batch_size, *image_shape], [1, 2], maxval=256, dtype=tf.int32
    )
    by_passes = whole_passes(model, images, pixels)
    seconds = median_seconds(
        {
            "score": lambda: model.log_prob(images, batch_size=batch_size),
            "sample": lambda: model.sample(batch_size, seed=1),
            "passes": by_passes,
        },
        runs,
    )
    scale = image_shape[0] * image_shape[1] / pixels
    return {
        "images": name,
        **MODELS[name],
        "batch_size": batch_size,
        "score_seconds": seconds["score"],
        "sample_seconds": seconds["sample"],
        "whole_passes_seconds_scaled": seconds["passes"] * scale,
        "sample / score": seconds["sample"] / seconds["score"],
        "whole passes / sample": seconds["passes"] * scale / seconds["sample"],
    }


def whole_passes(
    model: kp.GatedPixelCNN, images: tf.Tensor, pixels: int
) -> tf.types.experimental.PolymorphicFunction:
    """Draws the first pixels of a row, each channel by a pass of the whole network."""
    likelihood = kp.likelihoods.get(model.likelihood, model.num_levels)
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


def as_table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a table in Markdown."""
    lines = [
        "| images | batch | score | sample | sample / score | whole passes / sample |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row['images']} | {row['batch_size']} | {row['score_seconds']:.3f} s "
            f"| {row['sample_seconds']:.3f} s | {row['sample / score']:.1f} "
            f"| {row['whole passes / sample']:.0f} |"
        )
    return "\n".join(lines)


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = {"flag_values": flag_values}
    flags.DEFINE_list("batch_sizes", ["1", "16", "64"], "Batch sizes.", **define)
    flags.DEFINE_multi_enum(
        "images", list(MODELS), list(MODELS), "Image sizes.", **define
    )
    flags.DEFINE_integer("runs", 5, "Counted runs of each.", lower_bound=1, **define)
    flags.DEFINE_integer(
        "pixels", 4, "Pixels drawn by whole passes.", lower_bound=1, **define
    )
    flags.DEFINE_string("output", None, "Where to write JSON.", **define)


def main(flag_values: flags.FlagValues) -> None:
    """Measures all rows and prints them."""
    rows = []
    for name in flag_values.images:
        for size in map(int, flag_values.batch_sizes):
            rows.append(measure(name, size, flag_values.runs, flag_values.pixels))
            print(as_table(rows[-1:]).splitlines()[-1], flush=True)
    report.show(rows, flag_values.runs, as_table(rows), flag_values.output)


if __name__ == "__main__":
    programs.run(main, define_flags)
