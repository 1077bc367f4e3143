"""Gaussian over images to which uniform noise is added."""

import dataclasses
import math
from collections.abc import Iterator

import numpy as np

# The noise that makes integers continuous, spread evenly over [0, 1).
_NOISE_MEAN = 1 / 2
_NOISE_VARIANCE = 1 / 12

# Values that a loop holds at once, beside the images: 32 MB of float64.
_BLOCK_VALUES = 4_000_000


@dataclasses.dataclass(frozen=True)
class DequantisedGaussian:
    """A Gaussian over whole images, in units of levels, fitted by maximum likelihood.

    The noise is integrated out of the fit: it adds 1/2 to the mean and 1/12 to every
    variance, so that even pixels that never change have a density.

    It is kept as the eigenvectors of its correlation matrix: shrinking all
    correlations by one share moves the eigenvalues towards 1 and leaves the
    eigenvectors as they are, so that one fit serves every share.

    Args:
        mean: of each dimension, noise included; float64, shape `(dimensions,)`.
        deviation: the standard deviations, likewise.
        eigenvalues: of the correlation matrix, positive; shape `(dimensions,)`.
        eigenvectors: one a column; shape `(dimensions, dimensions)`.
    """

    mean: np.ndarray
    deviation: np.ndarray
    eigenvalues: np.ndarray
    eigenvectors: np.ndarray

    @classmethod
    def fit(cls, rows: np.ndarray) -> "DequantisedGaussian":
        """Fits mean and covariance to images without noise.

        Args:
            rows: one image a row; integers of shape `(batch, dimensions)`.

        Returns:
            The Gaussian of the same images with the noise added.
        """
        mean = rows.mean(axis=0, dtype=np.float64)
        covariance = np.zeros((mean.size, mean.size))
        for block in _row_blocks(rows):
            centred = block - mean
            covariance += centred.T @ centred
        covariance /= len(rows)
        covariance[np.diag_indices_from(covariance)] += _NOISE_VARIANCE
        deviation = np.sqrt(np.diag(covariance))
        covariance /= np.outer(deviation, deviation)
        eigenvalues, eigenvectors = np.linalg.eigh(covariance)
        # No eigenvalue is less but for rounding, which could make it negative.
        floor = _NOISE_VARIANCE / np.max(deviation) ** 2
        eigenvalues = np.maximum(eigenvalues, floor)
        return cls(mean + _NOISE_MEAN, deviation, eigenvalues, eigenvectors)

    def bits_per_dim(
        self, rows: np.ndarray, noise: np.random.Generator, shrinkages: np.ndarray
    ) -> np.ndarray:
        """Scores images to which noise is added.

        Args:
            rows: one image a row; integers of shape `(batch, dimensions)`.
            noise: where the noise is drawn from.
            shrinkages: shares of the correlations to take away, from 0, none, to 1,
                which makes the pixels independent; shape `(shares,)`.

        Returns:
            The mean of `-log2 density` over rows and dimensions, for each of the
            shrinkages; float64, shape `(shares,)`.
        """
        squares = np.zeros_like(self.mean)
        for block in _row_blocks(rows):
            noisy = block + noise.random(block.shape)
            projected = ((noisy - self.mean) / self.deviation) @ self.eigenvectors
            squares += np.sum(projected**2, axis=0)
        variances = self.eigenvalues + shrinkages[:, None] * (1 - self.eigenvalues)
        nats = np.mean(squares / len(rows) / variances + np.log(variances), axis=1)
        nats = (nats + math.log(2 * math.pi)) / 2 + np.mean(np.log(self.deviation))
        return nats / math.log(2)


def _row_blocks(rows: np.ndarray) -> Iterator[np.ndarray]:
    height = max(1, _BLOCK_VALUES // rows.shape[1])
    for start in range(0, len(rows), height):
        yield rows[start : start + height]
