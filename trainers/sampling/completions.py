"""A picture of completions: what a model makes of the upper halves of real images."""

import os

import numpy as np
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.image_grid import save_image_grid
from keras_pixelcnn.pixel_values import to_pixels

_MID_GREY = 128


def save_completions(
    path: str | os.PathLike[str],
    model: kp.AutoregressiveImageModel,
    examples: tf.data.Dataset,
    *,
    num_images: int = 8,
    num_completions: int = 5,
    seed: int = 0,
) -> None:
    """Draws lower halves to the upper halves of real images, and writes a PNG file.

    A row begins with the known half and ends with the real image.

    Args:
        path: the file; replaced whole or not at all.
        model: one that takes no condition, or a label alone.
        examples: single examples of {"image", "label"}, of known number, of which some
            are taken that lie apart.
        num_images: number of rows. Default 8.
        num_completions: images drawn for each. Default 5.
        seed: of the noise. Default 0.
    """
    apart = examples.shard(max(int(examples.cardinality()) // num_images, 1), 0)
    batch = next(iter(apart.batch(num_images).as_numpy_iterator()))
    images = np.repeat(batch["image"], num_completions, axis=0)
    given = {}
    if model.conditions.names == ["label"]:
        given["label"] = np.repeat(batch["label"], num_completions)
    mask = np.zeros(model.image_shape[:2], bool)
    mask[: model.image_shape[0] // 2] = True
    drawn = model.complete(images, mask, seed=seed, **given).numpy()
    rows = to_pixels(drawn, model.num_levels)
    rows = rows.reshape(-1, num_completions, *model.image_shape)
    real = to_pixels(batch["image"], model.num_levels)[:, np.newaxis]
    known = np.where(mask[..., np.newaxis], real, np.uint8(_MID_GREY))
    tiles = np.concatenate([known, rows, real], axis=1)
    columns = tiles.shape[1]
    save_image_grid(path, tiles.reshape(-1, *model.image_shape), columns=columns)
