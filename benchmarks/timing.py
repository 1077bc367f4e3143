"""The networks that are measured, and the timing of alternatives in turn."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import keras_pixelcnn as kp
from benchmarks.report import Record
from trainers.comparison.timing import time_in_turn

MODELS = {
    "28x28x1": {"filters": 32, "num_blocks": 8, "kernel_size": 5},
    "32x32x3": {"filters": 60, "num_blocks": 8, "kernel_size": 3},
}
"""Arguments of the models, by the images' size; all have 256 levels."""


def image_shape(name: str) -> tuple[int, int, int]:
    """Returns height, width and channels of a key of `MODELS`."""
    height, width, channels = name.split("x")
    return int(height), int(width), int(channels)


def new_model(name: str, **arguments: Any) -> kp.GatedPixelCNN:
    """Makes a model.

    Args:
        name: a key of `MODELS`.
        **arguments: of `GatedPixelCNN`, beside those in `MODELS`.
    """
    return kp.GatedPixelCNN(image_shape(name), **MODELS[name], **arguments)


def random_images(name: str, batch_size: int) -> tf.Tensor:
    """Draws uniform images: int32 (batch_size, height, width, channels)."""
    return tf.random.stateless_uniform(
        [batch_size, *image_shape(name)], [1, 2], maxval=256, dtype=tf.int32
    )


def batches(
    names: Iterable[str] | None, batch_sizes: Iterable[int]
) -> Iterator[tuple[Record, kp.GatedPixelCNN, tf.Tensor]]:
    """Makes a model of each size, and images of each batch size.

    Args:
        names: keys of `MODELS`. None: all.
        batch_sizes: images in a batch.

    Yields:
        A record of "images" and "batch_size", the model, and the images.
    """
    for name in MODELS if names is None else names:
        model = new_model(name)
        for size in batch_sizes:
            record = {"images": name, "batch_size": size}
            yield record, model, random_images(name, size)


def num_parameters(weights: list[Any]) -> int:
    """Counts the numbers that weights hold together."""
    return sum(math.prod(weight.shape) for weight in weights)


def compiled_step(model: keras.Model, *batch: Any) -> Callable[[], Any]:
    """Returns a step of a compiled model's own training, on a batch in memory."""
    return lambda: model.train_on_batch(*batch)


def median_seconds(
    alternatives: Mapping[str, Callable[[], Any]], runs: int
) -> dict[str, float]:
    """Measures the median wall-clock seconds of each alternative.

    They run in turn; see `time_in_turn`.

    Args:
        alternatives: functions by name, which return tensors or numbers.
        runs: number of counted runs of each.

    Returns:
        Seconds by name.
    """

    def until_it_is_there(function: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: tf.nest.map_structure(np.asarray, function())

    waiting = {name: until_it_is_there(each) for name, each in alternatives.items()}
    timed = time_in_turn(waiting, runs, most_seconds=math.inf)
    return {name: each.seconds for name, each in timed.items()}


def compare(
    alternatives: Mapping[str, Callable[[], Any]], runs: int, *ratios: str
) -> Record:
    """Measures alternatives, and divides one's seconds by another's.

    Args:
        alternatives: as for `median_seconds`.
        runs: number of counted runs of each.
        *ratios: such as "sample / score", of names of alternatives.

    Returns:
        "<name>_seconds" of each alternative, and the ratios by what they are called.
    """
    seconds = median_seconds(alternatives, runs)
    record = {f"{name}_seconds": value for name, value in seconds.items()}
    for ratio in ratios:
        above, below = ratio.split(" / ")
        record[ratio] = seconds[above] / seconds[below]
    return record
