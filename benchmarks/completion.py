"""Completing images, and what conditions and guidance cost, against a plain sample.

    python -m benchmarks.completion --output=completion.json

For each image size, the time to complete the lower half of a batch, to draw a batch for
labels, and to draw it with guidance, each divided by the time to sample a batch of the
unconditional model of the same size.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from absl import flags

import keras_pixelcnn as kp
from benchmarks import report
from benchmarks.sampling import MODELS
from benchmarks.timing import median_seconds
from trainers import programs

KINDS = ("complete", "label", "guided")


def measure(name: str, batch_size: int, runs: int) -> dict[str, Any]:
    """The row of one image size.

    Args:
        name: a key of `benchmarks.sampling.MODELS`.
        batch_size: images in a batch.
        runs: counted runs of each alternative.

    Returns:
        Seconds of each alternative, and their ratios to the plain sample's.
    """
    image_shape = tuple(int(size) for size in name.split("x"))
    model = kp.GatedPixelCNN(image_shape, **MODELS[name])
    by_label = kp.GatedPixelCNN(
        image_shape, **MODELS[name], num_classes=10, condition_dropout=0.1
    )
    images = tf.random.stateless_uniform(
        [batch_size, *image_shape], [1, 2], maxval=256, dtype=tf.int32
    )
    label = np.arange(batch_size) % 10
    upper_half = np.zeros(image_shape[:2], bool)
    upper_half[: image_shape[0] // 2] = True
    seconds = median_seconds(
        {
            "sample": lambda: model.sample(batch_size, seed=1),
            "complete": lambda: model.complete(images, upper_half, seed=1),
            "label": lambda: by_label.sample(label=label, seed=1),
            "guided": lambda: by_label.sample(label=label, seed=1, guidance_scale=2.0),
        },
        runs,
    )
    ratios = {f"{kind} / sample": seconds[kind] / seconds["sample"] for kind in KINDS}
    return {
        "images": name,
        **MODELS[name],
        "batch_size": batch_size,
        **{f"{kind}_seconds": seconds[kind] for kind in ("sample", *KINDS)},
        **ratios,
    }


def as_table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a table in Markdown."""
    lines = [
        "| images | batch | sample | complete the lower half / sample "
        "| for labels / sample | with guidance / sample |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        ratios = " | ".join(f"{row[f'{kind} / sample']:.2f}" for kind in KINDS)
        lines.append(
            f"| {row['images']} | {row['batch_size']} | {row['sample_seconds']:.3f} s "
            f"| {ratios} |"
        )
    return "\n".join(lines)


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = {"flag_values": flag_values}
    flags.DEFINE_integer("batch_size", 64, "Batch size.", lower_bound=1, **define)
    flags.DEFINE_multi_enum(
        "images", list(MODELS), list(MODELS), "Image sizes.", **define
    )
    flags.DEFINE_integer("runs", 5, "Counted runs of each.", lower_bound=1, **define)
    flags.DEFINE_string("output", None, "Where to write JSON.", **define)


def main(flag_values: flags.FlagValues) -> None:
    """Measures all rows and prints them."""
    rows = [
        measure(name, flag_values.batch_size, flag_values.runs)
        for name in flag_values.images
    ]
    report.show(rows, flag_values.runs, as_table(rows), flag_values.output)


if __name__ == "__main__":
    programs.run(main, define_flags)
