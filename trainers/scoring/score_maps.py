"""Scores of the images of a dataset, and maps of where they come from."""

import csv
import os
import pathlib
from typing import NamedTuple

import numpy as np
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn import anomaly, files
from keras_pixelcnn.image_grid import save_image_grid
from keras_pixelcnn.pixel_values import to_pixels
from trainers.scoring.scoring import check_labels, conditions_of_score

SCORES_FILE = "scores.csv"
MAPS_FILE = "maps.png"


class ScoredImages(NamedTuple):
    """Images with their scores.

    Attributes:
        images: (batch, height, width, channels).
        nats: log probability of each value, float32, of the same shape.
    """

    images: np.ndarray
    nats: np.ndarray


def score_images(
    model: kp.AutoregressiveImageModel,
    examples: tf.data.Dataset,
    batch_size: int = 64,
    unconditional: bool = False,
) -> ScoredImages:
    """Scores each value of all images, given their labels if the model takes labels.

    Args:
        model: any that datasets have the conditions of.
        examples: single examples of {"image", "label"}.
        batch_size: images scored at once. Default 64.
        unconditional: whether a model trained with `condition_dropout` is scored
            without its conditions. Default False.

    Raises:
        ValueError: when the labels are none of the model's, or as
            `conditions_of_score` does.
    """
    names = conditions_of_score(model, unconditional, examples.element_spec)
    images, nats = [], []
    for batch in examples.batch(batch_size).as_numpy_iterator():
        if "label" in names:
            check_labels(model, batch["label"])
        given = {name: batch[name] for name in names}
        images.append(batch["image"])
        nats.append(model.log_prob(batch["image"], reduce=False, **given).numpy())
    return ScoredImages(np.concatenate(images), np.concatenate(nats))


def write_scores(folder: str | os.PathLike[str], scored: ScoredImages) -> pathlib.Path:
    """Writes a line for each image: its number, nats and bits per dimension.

    Args:
        folder: where to; made if missing.
        scored: what `score_images` returns.

    Returns:
        The file.
    """
    path = pathlib.Path(folder) / SCORES_FILE
    totals = scored.nats.sum(axis=(1, 2, 3), dtype=np.float64)
    bits = kp.bits_per_dim(totals, scored.nats[0].size)
    with files.replace_when_written(path) as part:
        with open(part, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["image", "log_prob", "bits_per_dim"])
            for row in zip(range(len(totals)), totals, bits, strict=True):
                writer.writerow([row[0], f"{row[1]:.4f}", f"{row[2]:.6f}"])
    return path


def write_maps(
    folder: str | os.PathLike[str], scored: ScoredImages, num_levels: int, size: int = 1
) -> pathlib.Path:
    """Draws each image with its heat map to the right of it.

    All maps have one scale: light is what surprises the model.

    Args:
        folder: where to; made if missing.
        scored: what `score_images` returns.
        num_levels: of the images.
        size: of the square that surprise is averaged over. Default 1.

    Returns:
        The file.
    """
    images = to_pixels(scored.images, num_levels)
    if images.shape[-1] != 3:  # channels that are no colours: their mean, in grey
        images = np.repeat(images.mean(axis=-1, keepdims=True), 3, axis=-1)
    heat = anomaly.heat_map(anomaly.surprise_map(scored.nats, size))
    pairs = np.stack([images.astype(np.uint8), heat], axis=1)
    pairs = pairs.reshape(-1, *pairs.shape[2:])
    columns = 2 * max(round(np.sqrt(len(images) / 2)), 1)
    path = pathlib.Path(folder) / MAPS_FILE
    save_image_grid(path, pairs, columns=columns, min_side=64)
    return path
