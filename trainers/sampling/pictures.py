"""Pictures of a model: samples and completions, by one seed as it learns."""

import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

import keras_pixelcnn as kp
from keras_pixelcnn.callbacks import plan_samples
from keras_pixelcnn.image_grid import known_pixels, save_image_grid
from keras_pixelcnn.pixel_values import to_pixels
from keras_pixelcnn.training import RunLogger

_COMPLETED, _COMPLETIONS = 8, 5
"""Images of a picture of completions, and completions of each."""


def sample_pictures(
    model: kp.AutoregressiveImageModel,
    examples: tf.data.Dataset,
    config: Mapping[str, Any],
    step: int,
    logger: RunLogger,
) -> None:
    """Writes samples and completions to the run's folder and to TensorBoard."""
    name = f"step-{step:08}.png"
    path = logger.folder / "samples" / name
    save_samples(path, model, examples, config)
    log_picture(logger, "samples", path, step)
    path = logger.folder / "completions" / name
    save_completions(path, model, examples, config["sample_seed"])
    log_picture(logger, "completions", path, step)


def save_samples(
    path: str | os.PathLike[str],
    model: kp.AutoregressiveImageModel,
    examples: tf.data.Dataset,
    config: Mapping[str, Any],
) -> None:
    """Samples "num_samples" of a config by its "sample_seed", and writes a PNG file.

    Args:
        path: the file; replaced whole or not at all.
        model: any that the examples hold the conditions of.
        examples: single examples, of known number. Models that take more than a label
            are sampled given the conditions of some, evenly spaced.
        config: of the run.
    """
    count, given, names = config["num_samples"], None, model.conditions.names
    if names not in ([], ["label"]) and set(names) <= set(examples.element_spec):
        batch = examples_apart(examples, count)
        given = {name: batch[name] for name in names}
        count = len(batch["image"])
    count, given, columns = plan_samples(model, count, given)
    samples = model.sample(count, seed=config["sample_seed"], **given).numpy()
    save_image_grid(path, samples, model.num_levels, columns)


def examples_apart(examples: tf.data.Dataset, most: int) -> dict[str, np.ndarray]:
    """Returns a batch of at most so many examples, of known number, evenly spaced."""
    apart = examples.shard(max(int(examples.cardinality()) // most, 1), 0)
    return next(iter(apart.batch(most).as_numpy_iterator()))


def save_rows(
    path: str | os.PathLike[str], rows: np.ndarray, num_levels: int, **options: Any
) -> None:
    """Writes rows of images as a PNG file, whole or not at all.

    Args:
        path: the file.
        rows: integers in [0, num_levels), (rows, columns, height, width, channels).
        num_levels: values that a pixel can take.
        **options: further ones of `save_image_grid`.
    """
    images = rows.reshape(-1, *rows.shape[2:])
    save_image_grid(path, images, num_levels, columns=rows.shape[1], **options)


def log_picture(logger: RunLogger, name: str, path: pathlib.Path, step: int) -> None:
    """Shows a PNG file in TensorBoard."""
    with Image.open(path) as file:
        picture = np.asarray(file)
    picture = picture.reshape(*picture.shape[:2], -1)
    logger.event_log.picture(name, name, picture, step)


def save_completions(
    path: str | os.PathLike[str],
    model: kp.AutoregressiveImageModel,
    examples: tf.data.Dataset,
    seed: int,
) -> None:
    """Samples lower halves given upper halves of real images, and writes a PNG file.

    A row of 8 begins with the known half and ends with the real image; between them are
    5 completions.

    Args:
        path: the file; replaced whole or not at all.
        model: one whose conditions the examples hold, or that can do without.
        examples: single examples of {"image", ...}, of known number, of which some are
            taken, evenly spaced.
        seed: of the noise.
    """
    batch = examples_apart(examples, _COMPLETED)
    images = np.repeat(batch["image"], _COMPLETIONS, axis=0)
    given, names = {}, model.conditions.names
    if set(names) <= set(batch):
        given = {name: np.repeat(batch[name], _COMPLETIONS, 0) for name in names}
    mask = np.zeros(model.image_shape[:2], bool)
    mask[: model.image_shape[0] // 2] = True
    drawn = model.complete(images, mask, seed=seed, **given).numpy()
    rows = to_pixels(drawn, model.num_levels)
    rows = rows.reshape(-1, _COMPLETIONS, *model.image_shape)
    real = to_pixels(batch["image"], model.num_levels)[:, np.newaxis]
    known = known_pixels(batch["image"], mask, model.num_levels)[:, np.newaxis]
    save_rows(path, np.concatenate([known, rows, real], axis=1), 256)
