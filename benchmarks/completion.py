"""Completing images, and what conditions and guidance cost, against a plain sample.

    python -m benchmarks.completion --output=completion.json

For each image size, the time to complete the lower half of a batch, to draw a batch for
labels, and to draw it with guidance, each divided by the time to sample a batch of the
unconditional model of the same size.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import flags

from benchmarks import report
from benchmarks.networks import MODELS, image_shape, new_model, random_images
from benchmarks.timing import median_seconds
from keras_pixelcnn import programs

KINDS = ("complete", "label", "guided")


def measure(name: str, batch_size: int, runs: int) -> dict[str, Any]:
    """The row of one image size.

    Args:
        name: a key of `benchmarks.networks.MODELS`.
        batch_size: images in a batch.
        runs: counted runs of each alternative.

    Returns:
        Seconds of each alternative, and their ratios to the plain sample's.
    """
    model = new_model(name)
    by_label = new_model(name, num_classes=10, condition_dropout=0.1)
    images = random_images(name, batch_size)
    height, width, _ = image_shape(name)
    label = np.arange(batch_size) % 10
    upper_half = np.zeros((height, width), bool)
    upper_half[: height // 2] = True
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
    return report.table(
        {
            "images": "{images}",
            "batch": "{batch_size}",
            "sample": "{sample_seconds:.3f} s",
            "complete the lower half / sample": "{complete / sample:.2f}",
            "for labels / sample": "{label / sample:.2f}",
            "with guidance / sample": "{guided / sample:.2f}",
        },
        rows,
    )


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
