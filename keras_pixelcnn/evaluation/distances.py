"""Frechet and kernel distances between the features of two sets of images."""

from typing import Any

import numpy as np

from keras_pixelcnn.evaluation.features import (
    Estimate,
    bootstrap_counts,
    check_pair,
)

_BLOCK_ROWS = 1024


def frechet_distance(
    real: Any, generated: Any, num_resamples: int = 100, seed: int = 0
) -> Estimate:
    """Computes the squared Wasserstein distance of Gaussians fitted to two sets.

    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)), with the means m and the unbiased
    covariances S; of Inception's features it is the FID. It is biased upwards, the more
    so the fewer images and the more dimensions there are: compare only what was
    measured on as many images.

    Exact for singular covariances too, as those of fewer images than dimensions: the
    trace of the root is the sum of the singular values of a product of two factors, and
    no root of a matrix is taken.

    Args:
        real: features of real images, (images, dimensions), of at least 2.
        generated: features of generated images, of the same dimensions.
        num_resamples: resamples of both sets that the error is estimated from, each as
            much work as the value. Default 100.
        seed: of the resamples. Default 0.

    Returns:
        The distance with its standard error, in the squared unit of the features.

    Raises:
        ValueError: when the features are not as said.

    References:
        Heusel et al. 2017, arXiv 1706.08500. Chong and Forsyth 2020, arXiv 1911.07023,
        on its bias.
    """
    real, generated = check_pair(real, generated, least=2)
    ones = np.ones(len(real)), np.ones(len(generated))
    resamples = zip(
        bootstrap_counts(len(real), num_resamples, seed),
        bootstrap_counts(len(generated), num_resamples, seed + 1),
        strict=True,
    )
    values = [
        _weighted_frechet(real, generated, *weights) for weights in (ones, *resamples)
    ]
    return Estimate(values[0], float(np.std(values[1:], ddof=1)))


def _weighted_frechet(
    real: np.ndarray,
    generated: np.ndarray,
    real_counts: np.ndarray,
    generated_counts: np.ndarray,
) -> float:
    mean, factor = _moments(real, real_counts)
    other_mean, other_factor = _moments(generated, generated_counts)
    root = np.linalg.svd(factor @ other_factor.T, compute_uv=False).sum()
    squares = np.sum(factor**2) + np.sum(other_factor**2)
    return float(np.sum((mean - other_mean) ** 2) + squares - 2 * root)


def _moments(rows: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Computes the mean, and a factor F whose F^T F is the covariance."""
    total = counts.sum()
    mean = counts @ rows / total
    kept = counts > 0
    scaled = (rows[kept] - mean) * np.sqrt(counts[kept] / (total - 1))[:, np.newaxis]
    factor = np.asarray(np.linalg.qr(scaled, mode="r"))
    return mean, factor


def kernel_distance(
    real: Any, generated: Any, num_resamples: int = 100, seed: int = 0
) -> Estimate:
    """Computes the squared maximum mean discrepancy between two sets.

    Of the kernel (x . y / dimensions + 1)^3, without the pairs of an image and itself:
    unbiased, and so below 0 by chance where both sets are alike. Of Inception's
    features it is the KID. All pairs count, and not, as in the source, those of random
    subsets; so no chance is in the value.

    Args:
        real: features of real images, (images, dimensions), of at least 2.
        generated: features of generated images, of the same dimensions.
        num_resamples: resamples of both sets that the error is estimated from. Pairs
            of an image and its own copy do not count. Default 100.
        seed: of the resamples. Default 0.

    Returns:
        The distance with its standard error.

    Raises:
        ValueError: when the features are not as said.

    References:
        Binkowski et al. 2018, arXiv 1801.01401.
    """
    real, generated = check_pair(real, generated, least=2)
    # The first row, in which each image counts once, is the value's.
    real_counts, generated_counts = (
        np.insert(bootstrap_counts(size, num_resamples, seed + i), 0, 1, axis=0)
        for i, size in enumerate((len(real), len(generated)))
    )
    values = _mean_within(real, real_counts)
    values += _mean_within(generated, generated_counts)
    across = _kernel_sums(real, generated, real_counts, generated_counts)
    values -= 2 * across / (real_counts.sum(1) * generated_counts.sum(1))
    return Estimate(float(values[0]), float(np.std(values[1:], ddof=1)))


def _mean_within(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Computes the kernel's mean over pairs of different images, by row of counts."""
    squares = counts**2
    own = squares @ _kernel(np.einsum("nd,nd->n", rows, rows), rows.shape[1])
    pairs = counts.sum(axis=1) ** 2 - squares.sum(axis=1)
    return (_kernel_sums(rows, rows, counts, counts) - own) / pairs


def _kernel_sums(
    rows: np.ndarray,
    columns: np.ndarray,
    row_counts: np.ndarray,
    column_counts: np.ndarray,
) -> np.ndarray:
    """Sums the kernel over all pairs, as often as they count: (resamples,)."""
    sums = np.zeros(len(row_counts))
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        kernel = _kernel(rows[block] @ columns.T, rows.shape[1])
        sums += np.einsum("rn,nr->r", row_counts[:, block], kernel @ column_counts.T)
    return sums


def _kernel(products: np.ndarray, dimensions: int) -> np.ndarray:
    return (products / dimensions + 1) ** 3
