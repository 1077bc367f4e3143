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
from trainers.scoring import anomalies
from trainers.scoring.scoring import check_labels, conditions_of_score

SCORES_FILE = "scores.csv"
MAPS_FILE = "maps.png"
FALSE_ALARMS = 0.01
"""The p-value from which on an image is counted as strange."""


class ScoredImages(NamedTuple):
    """Images with their scores.

    Attributes:
        nats: log probabilities, float64 (n,).
        paths: of the files, where the dataset is a folder; else None.
        images: (n, height, width, channels); None if they were not to be kept.
        conditions: (n, ...) by their names, which kept images were scored given.
    """

    nats: np.ndarray
    paths: list[str] | None
    images: np.ndarray | None
    conditions: dict[str, np.ndarray]

    @property
    def order(self) -> np.ndarray:
        """Indices (n,) in the order of the paths, where there are any."""
        return np.argsort(self.paths) if self.paths else np.arange(len(self.nats))


def score_images(
    model: kp.AutoregressiveImageModel,
    examples: tf.data.Dataset,
    batch_size: int = 64,
    unconditional: bool = False,
    keep_images: bool = True,
) -> ScoredImages:
    """Scores all images, given their labels if the model takes labels.

    Args:
        model: any that datasets have the conditions of.
        examples: single examples of {"image", "label"}, and "path" or not.
        batch_size: images scored at once. Default 64.
        unconditional: whether a model trained with `condition_dropout` is scored
            without its conditions. Default False.
        keep_images: whether the images are returned. Default True.

    Raises:
        ValueError: when the labels are none of the model's, or as
            `conditions_of_score` does.
    """
    names = conditions_of_score(model, unconditional, examples.element_spec)
    hint = ", or score without: unconditional" if model.conditions.optional else ""
    nats, paths, images, conditions = [], [], [], []
    for batch in examples.batch(batch_size).as_numpy_iterator():
        if "label" in names:
            check_labels(model, batch["label"], hint)
        given = {name: batch[name] for name in names}
        found = model.log_prob(batch["image"], batch_size=batch_size, **given)
        nats.append(found.numpy().astype(np.float64))
        paths += map(os.fsdecode, batch.get("path", ()))
        if keep_images:
            images.append(batch["image"])
            conditions.append(given)
    return ScoredImages(
        np.concatenate(nats),
        paths or None,
        np.concatenate(images) if keep_images else None,
        {name: np.concatenate([each[name] for each in conditions]) for name in names}
        if keep_images
        else {},
    )


def anomaly_scores(
    model: kp.AutoregressiveImageModel, scored: ScoredImages, reference: ScoredImages
) -> dict[str, np.ndarray]:
    """Computes how strange the images are, beside usual ones.

    Args:
        model: the one that scored them.
        scored: the images, kept.
        reference: usual images, kept, which the model was not trained on.

    Returns:
        Of each anomaly score the scores and, as "..._p_value", the shares of usual
        images that are as strange (`kp.anomaly.p_values`).
    """
    strange, usual = (
        anomalies.scores_of(model, each.images, each.nats, reference.nats)
        for each in (scored, reference)
    )
    columns = {}
    for name in strange:
        if name == "likelihood":  # unsound
            continue
        column = name.replace(" ", "_")
        columns[column] = strange[name]
        columns[f"{column}_p_value"] = anomaly.p_values(strange[name], usual[name])
    return columns


def count_strange(columns: dict[str, np.ndarray], num_reference: int) -> str:
    """Returns how many images are strange by each score, as lines of text.

    Args:
        columns: what `anomaly_scores` returns.
        num_reference: number of usual images, which bounds p-values from below.
    """
    least = max(FALSE_ALARMS, 1 / (1 + num_reference))
    lines = [
        f"{name}: {np.sum(values <= least)} of {len(values)} images at most {least:.3g}"
        for name, values in columns.items()
        if name.endswith("p_value")
    ]
    if least > FALSE_ALARMS:
        lines.append(
            f"{num_reference} usual images give no p-value below {least:.3g}: "
            f"{FALSE_ALARMS} needs {round(1 / FALSE_ALARMS) - 1}"
        )
    return "\n".join(lines)


def write_scores(
    folder: str | os.PathLike[str],
    scored: ScoredImages,
    num_dims: int,
    columns: dict[str, np.ndarray] | None = None,
) -> pathlib.Path:
    """Writes a line for each image: its path or number, nats and bits per dimension.

    Args:
        folder: where to; made if missing.
        scored: what `score_images` returns.
        num_dims: the number of values of an image.
        columns: further ones by their names. Default: none.

    Returns:
        The file, whose lines are in the order of the paths.
    """
    path = pathlib.Path(folder) / SCORES_FILE
    images = scored.paths or list(range(len(scored.nats)))
    bits = kp.bits_per_dim(scored.nats, num_dims)
    columns = columns or {}
    with files.replace_when_written(path) as part:
        # Names of files need not be UTF-8.
        with open(
            part, "w", newline="", encoding="utf-8", errors="surrogateescape"
        ) as file:
            writer = csv.writer(file)
            writer.writerow(["image", "log_prob", "bits_per_dim", *columns])
            for i in scored.order:
                more = (f"{values[i]:.6g}" for values in columns.values())
                row = [f"{scored.nats[i]:.4f}", f"{bits[i]:.6f}", *more]
                writer.writerow([images[i], *row])
    return path


def write_maps(
    folder: str | os.PathLike[str],
    model: kp.AutoregressiveImageModel,
    scored: ScoredImages,
    size: int = 1,
    most: int | None = None,
) -> pathlib.Path:
    """Draws each image with its heat map to the right of it.

    All maps have one scale: light is what surprises the model.

    Args:
        folder: where to; made if missing.
        model: the one that scored the images.
        scored: what `score_images` returns, with images.
        size: of the square that surprise is averaged over. Default 1.
        most: number of images to draw. Default: all.

    Returns:
        The file, in the order of the lines of `write_scores`.
    """
    order = scored.order[:most]
    given = {name: value[order] for name, value in scored.conditions.items()}
    values = model.log_prob(scored.images[order], reduce=False, **given).numpy()
    images = to_pixels(scored.images[order], model.num_levels)
    if images.shape[-1] != 3:  # channels that are no colours: their mean, in grey
        images = np.repeat(images.mean(axis=-1, keepdims=True), 3, axis=-1)
    heat = anomaly.heat_map(anomaly.surprise_map(values, size))
    pairs = np.stack([images.astype(np.uint8), heat], axis=1)
    pairs = pairs.reshape(-1, *pairs.shape[2:])
    columns = 2 * max(round(np.sqrt(len(images) / 2)), 1)
    path = pathlib.Path(folder) / MAPS_FILE
    save_image_grid(path, pairs, columns=columns, min_side=64)
    return path
