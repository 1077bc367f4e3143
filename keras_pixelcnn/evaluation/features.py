"""Features of images, and the resamples that errors are estimated with."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from keras_pixelcnn.checks import check_integer

Features = Callable[[np.ndarray], Any]
"""Makes features (batch, dimensions) of images (batch, height, width, channels)."""


class Estimate(NamedTuple):
    """An estimate and its standard error.

    Attributes:
        value: the number, of all images.
        standard_error: by how much it would vary with other images of the same kind:
            the standard deviation over the bootstrap's resamples.
    """

    value: float
    standard_error: float

    def __str__(self) -> str:
        return f"{self.value:.4g} +- {self.standard_error:.2g}"


def extract(
    images: Any, features: Features | None = None, batch_size: int = 256
) -> np.ndarray:
    """Features of all images, in batches.

    Args:
        images: integers, (batch, height, width, channels).
        features: a function of a batch of images, such as the `predict_on_batch` of a
            network that classifies them, cut off before its last layer. Default: the
            values of the pixels themselves.
        batch_size: images that the function is given at once. Default 256.

    Returns:
        float64 (batch, dimensions).

    Raises:
        ValueError: when the function gives anything else, or what is not finite.
    """
    images = np.asarray(images)
    check_integer("batch_size", batch_size)
    if features is None:
        return check_features(images.reshape(len(images), -1), "images")
    parts = []
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        part = np.asarray(features(batch))
        if part.ndim != 2 or len(part) != len(batch):
            raise ValueError(
                "features must be a function that gives an array (batch, dimensions). "
                f"Received: one that gives the shape {part.shape} for {len(batch)} "
                "images"
            )
        parts.append(part)
    return check_features(np.concatenate(parts), "features")


def check_features(values: Any, name: str, least: int = 1) -> np.ndarray:
    """Features as float64, or an error that says why they are none.

    Args:
        values: what should be of shape (images, dimensions), and finite.
        name: what the error calls it.
        least: how many images it must be of. Default 1.

    Raises:
        ValueError: when it is not as said.
    """
    values = np.asarray(values)
    if values.ndim != 2 or len(values) < least or not values.shape[1]:
        raise ValueError(
            f"{name} must be of shape (images, dimensions), of at least {least} "
            f"images. Received shape: {values.shape}"
        )
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite numbers. Received NaN or infinity.")
    return values


def check_pair(
    real: Any, generated: Any, least: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Features of two sets, or an error that says why they are none.

    Args:
        real: features of real images, (images, dimensions).
        generated: features of generated images, of the same dimensions.
        least: how many images each set must have.

    Raises:
        ValueError: when they are not as said.
    """
    real = check_features(real, "real", least)
    generated = check_features(generated, "generated", least)
    if real.shape[1] != generated.shape[1]:
        raise ValueError(
            "real and generated must have features of as many dimensions. Received "
            f"shapes: {real.shape} and {generated.shape}"
        )
    return real, generated


def bootstrap_counts(size: int, num_resamples: int, seed: int) -> np.ndarray:
    """Counts each of `size` images in resamples, drawn with replacement.

    Args:
        size: number of images, and of those in a resample.
        num_resamples: number of resamples, at least 2.
        seed: of a Philox generator.

    Returns:
        float64 (num_resamples, size), whole numbers that sum to `size`.

    Raises:
        ValueError: when `num_resamples` is not as said.
    """
    check_integer("num_resamples", num_resamples, 2)
    generator = np.random.Generator(np.random.Philox(seed))
    shares = np.full(size, 1 / size)
    return generator.multinomial(size, shares, num_resamples).astype(np.float64)
