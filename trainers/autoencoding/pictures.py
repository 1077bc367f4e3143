"""Pictures of an auto-encoder: reconstructions, and interpolations of two images."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.training import RunLogger
from trainers.runs.config import sampling_options
from trainers.sampling.pictures import examples_apart, log_picture, save_rows


def save_reconstructions(
    path: str | os.PathLike[str],
    model: kp.PixelCNNAutoencoder,
    images: np.ndarray,
    *,
    baseline: kp.MSEAutoencoder | None = None,
    num_reconstructions: int = 4,
    seed: int = 0,
    **options: Any,
) -> None:
    """Writes a PNG file: a row for each image.

    A row is the image, the baseline's reconstruction of it, and several of the model's
    from the same latent.

    Args:
        path: the file; replaced whole or not at all.
        model: the auto-encoder.
        images: integers (images, height, width, channels).
        baseline: of the same levels. Default: none.
        num_reconstructions: samples of each latent. Default 4.
        seed: of the noise. Default 0.
        **options: of `decode`.
    """
    latent = np.repeat(model.encode(images), num_reconstructions, axis=0)
    drawn = model.decode(latent, seed, **options).numpy()
    columns = [images[:, np.newaxis]]
    if baseline is not None:
        columns.append(baseline.reconstruct(images).numpy()[:, np.newaxis])
    columns.append(drawn.reshape(-1, num_reconstructions, *model.image_shape))
    save_rows(path, np.concatenate(columns, axis=1), model.num_levels)


def save_interpolations(
    path: str | os.PathLike[str],
    model: kp.PixelCNNAutoencoder,
    images: np.ndarray,
    seed: int,
    **options: Any,
) -> None:
    """Writes a PNG file: a row of 8 samples for each two images, which are its ends.

    Args:
        path: the file; replaced whole or not at all.
        model: the auto-encoder.
        images: integers (images, height, width, channels); the first and the second are
            of one row, and so on. An odd one is left out.
        seed: of the noise.
        **options: of `interpolate`.
    """
    a, b = images[: len(images) // 2 * 2 : 2], images[1::2]
    drawn = model.interpolate(a, b, seed=seed, **options).numpy()
    rows = np.concatenate([a[:, np.newaxis], drawn, b[:, np.newaxis]], axis=1)
    save_rows(path, rows, model.num_levels)


def sample_pictures(
    model: kp.PixelCNNAutoencoder,
    examples: tf.data.Dataset,
    config: Mapping[str, Any],
    step: int,
    logger: RunLogger,
) -> None:
    """Samples reconstructions, for the run's folder and for TensorBoard."""
    fields = config["autoencoder"]
    path = logger.folder / "reconstructions" / f"step-{step:08}.png"
    save_reconstructions(
        path,
        model,
        examples_apart(examples, fields["num_rows"])["image"],
        num_reconstructions=fields["num_reconstructions"],
        seed=config["sample_seed"],
        **sampling_options(fields),
    )
    log_picture(logger, "reconstructions", path, step)
