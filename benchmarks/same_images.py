"""Counts the images that differ between ways to sample them by the same seeds.

    python -m benchmarks.same_images --folder=images --num_images=10000

Logits differ in their last digits between XLA and TensorFlow's own kernels, between
batch sizes and between versions, so that a value at the very edge of two levels may
become the other one, and what follows it in its image with it. How far from the edge
it was is told of each image that differs. The images of each way are kept in the
folder, by preset and version of TensorFlow: a program of another version adds to them.
"""

import pathlib
import time
from typing import Any

import numpy as np
import tensorflow as tf
from absl import app, flags

import keras_pixelcnn as kp
from keras_pixelcnn.samplers import example_uniforms

_FOLDER = flags.DEFINE_string("folder", None, "Where the images are kept.")
_PRESET = flags.DEFINE_string(
    "preset", "gated_pixelcnn_fashion_mnist", "What is sampled."
)
_NUM_IMAGES = flags.DEFINE_integer("num_images", 2000, "Of each way.")
_WAYS = flags.DEFINE_list(
    "ways",
    ["loop 64", "xla 64", "loop 256", "loop 16", "loop 1", "fixed_point 64"],
    "'loop', 'xla' or 'fixed_point', and a batch size; the first is what others are "
    "compared with.",
)
flags.mark_flag_as_required("folder")


def sample(model: Any, way: str, seeds: np.ndarray) -> np.ndarray:
    """Samples an image of each seed, in one of the ways."""
    kind, size = way.split()
    options: dict[str, Any] = {
        "loop": {},
        "xla": {"jit_compile": True},
        "fixed_point": {"sampler": "fixed_point"},
    }[kind]
    batches = np.split(seeds, range(int(size), len(seeds), int(size)))
    batches = [model.sample(len(x), seed=x, **options).numpy() for x in batches]
    return np.concatenate(batches)


def distance_to_edge(
    model: Any, image: np.ndarray, other: np.ndarray, seed: int
) -> float:
    """Measures how far from the edge of two levels an image became another one.

    Args:
        model: an unconditional model that both were sampled from.
        image: integers (height, width, channels).
        other: the same, with another value somewhere.
        seed: of both.

    Returns:
        At the first value that differs, the greatest difference between its uniform
        number and a cumulative probability between both levels.
    """
    row, column, channel = np.argwhere(image != other)[0]
    parameters = model(image[np.newaxis], training=False)[:, row, column]
    before = [image[np.newaxis, row, column, i] for i in range(channel)]
    likelihood = model.pixel_likelihood
    weights = likelihood.level_weights(
        likelihood.channel_parameters(parameters, before)
    )
    cumulative = np.cumsum(weights[0], dtype="float64")
    low, high = sorted(int(x[row, column, channel]) for x in (image, other))
    uniforms = example_uniforms(tf.constant([seed]), model.image_shape)
    edges = cumulative[low:high] / cumulative[-1]
    return float(np.abs(edges - uniforms[0, row, column, channel]).max())


def main(_: list[str]) -> None:
    """Samples what is not there yet, and compares."""
    folder = pathlib.Path(_FOLDER.value)
    folder.mkdir(parents=True, exist_ok=True)
    model, seeds = kp.from_preset(_PRESET.value), np.arange(_NUM_IMAGES.value)
    for way in _WAYS.value:
        path = folder / f"{_PRESET.value} {way} TensorFlow {tf.__version__}.npy"
        if not path.exists():
            start = time.monotonic()
            np.save(path, sample(model, way, seeds))
            print(f"{way}: {time.monotonic() - start:.0f} s", flush=True)
    first = next(folder.glob(f"{_PRESET.value} {_WAYS.value[0]} *.npy"))
    known = np.load(first)
    for path in sorted(folder.glob(f"{_PRESET.value} *.npy")):
        found = np.load(path)
        count = min(len(found), len(known))
        differing = np.flatnonzero((found[:count] != known[:count]).any((1, 2, 3)))
        print(f"{path.stem}: {len(differing)} of {count} differ from {first.stem}")
        for i in differing:
            distance = distance_to_edge(model, known[i], found[i], seed=i)
            print(f"  seed {i}: {distance:.1e} of the probability from the edge")


if __name__ == "__main__":
    app.run(main)
