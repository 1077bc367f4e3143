"""Times of a training step and of a sample, of several models in turn."""

import functools
import logging
import pathlib
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn.callbacks import plan_samples
from keras_pixelcnn.image_grid import save_image_grid
from keras_pixelcnn.models import load_model
from keras_pixelcnn.training import Recipe, TrainStep

MOST_SECONDS = 60.0
"""Functions that have taken so long are not run again."""

_ROW = 10


class Timed(NamedTuple):
    """Median seconds, and the number of runs."""

    seconds: float
    runs: int


def time_in_turn(
    alternatives: Mapping[str, Callable[[], Any]],
    runs: int,
    most_seconds: float = MOST_SECONDS,
) -> dict[str, Timed]:
    """Times functions in turn, so that a change of pace hits all alike.

    Each is run once to be compiled, which does not count.

    Args:
        alternatives: functions by name that return when they are done.
        runs: counted runs of each.
        most_seconds: a function whose counted runs have taken so long together is left
            out of the further turns.
    """
    seconds: dict[str, list[float]] = {name: [] for name in alternatives}
    for run in range(runs + 1):
        for name, function in alternatives.items():
            if sum(seconds[name]) >= most_seconds:
                continue
            start = time.perf_counter()
            function()
            if run:
                seconds[name].append(time.perf_counter() - start)
    return {
        name: Timed(statistics.median(values), len(values))
        for name, values in seconds.items()
    }


def time_models(
    paths: Mapping[str, pathlib.Path],
    examples: Mapping[str, np.ndarray],
    recipe: Recipe,
    *,
    strategy: tf.distribute.Strategy,
    num_samples: int,
    runs: int,
    seed: int,
) -> tuple[dict[str, dict[str, Any]], dict[str, np.ndarray]]:
    """Times a training step and a batch of samples of each model.

    Args:
        paths: .keras files by name.
        examples: a batch of {"image", "label"}, of the recipe's size.
        recipe: how the models were trained.
        strategy: where they were trained.
        num_samples: images sampled at once.
        runs: counted runs of each.
        seed: of the samples.

    Returns:
        For each name "step_seconds", "sample_seconds" (of one image, as a share of the
        batch), and over how many runs each is the median; and the samples.
    """
    images: dict[str, np.ndarray] = {}
    steps, samples = {}, {}
    for name, path in paths.items():
        with strategy.scope():
            model = load_model(path)
        features = {
            key: np.asarray(value)
            for key, value in model.prepare_features(examples).items()
        }
        step = TrainStep(model, recipe, strategy)
        steps[name] = functools.partial(step, features)
        count, conditions, _ = plan_samples(model, num_samples)
        sample = functools.partial(model.sample, count, seed=seed, **conditions)
        samples[name] = functools.partial(_keep, images, name, sample)
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)  # it warns that several models are one traced anew
    try:
        timed_samples = time_in_turn(samples, runs)
        timed_steps = time_in_turn(steps, runs)  # last, as they change the weights
    finally:
        logger.setLevel(level)
    timings = {
        name: {
            "step_seconds": timed_steps[name].seconds,
            "step_runs": timed_steps[name].runs,
            "sample_seconds": timed_samples[name].seconds / len(images[name]),
            "sample_runs": timed_samples[name].runs,
            "samples_at_once": len(images[name]),
        }
        for name in paths
    }
    return timings, images


def _keep(
    images: dict[str, np.ndarray], name: str, sample: Callable[[], tf.Tensor]
) -> None:
    """Samples a batch, and keeps it among the images."""
    images[name] = keras.ops.convert_to_numpy(sample())


def save_row(path: pathlib.Path, images: np.ndarray, num_levels: int) -> None:
    """Writes a row of samples, evenly spaced so that all classes are among them."""
    apart = images[:: max(len(images) // _ROW, 1)][:_ROW]
    save_image_grid(path, apart, num_levels, columns=len(apart))
