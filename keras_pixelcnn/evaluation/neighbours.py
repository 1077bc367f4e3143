"""Precision and recall, and whether a model learned its images by heart."""

from typing import Any, NamedTuple

import numpy as np

from keras_pixelcnn.checks import check_integer, is_integer
from keras_pixelcnn.evaluation.features import (
    Estimate,
    bootstrap_counts,
    check_features,
    check_pair,
)


class PrecisionRecall(NamedTuple):
    """The share of each set that the other one covers.

    Attributes:
        precision: the share of generated images that are among the real ones: quality.
        recall: the share of real images that are among the generated ones: variety.
    """

    precision: Estimate
    recall: Estimate


def precision_recall(
    real: Any,
    generated: Any,
    num_neighbours: int = 3,
    num_resamples: int = 100,
    seed: int = 0,
) -> PrecisionRecall:
    """Computes how much of each set lies in the neighbourhoods of the other one.

    An image is among those of a set when it is no further from one of them than that
    one is from its k-th nearest neighbour in the set. Both numbers grow with the images
    of the set that covers: compare only what was measured on as many.

    Args:
        real: features of real images, (images, dimensions), of more than
            `num_neighbours`.
        generated: features of generated images, of the same dimensions.
        num_neighbours: k. Default 3.
        num_resamples: resamples that the errors are estimated from, of the set whose
            share it is; the set that covers stays as it is. Default 100.
        seed: of the resamples. Default 0.

    Returns:
        Shares in [0, 1], with their standard errors.

    Raises:
        ValueError: when an argument is not as said.

    References:
        Kynkaanniemi et al. 2019, arXiv 1904.06991, equations 1 and 2.
    """
    check_integer("num_neighbours", num_neighbours)
    real, generated = check_pair(real, generated, least=num_neighbours + 1)
    # No distance depends on the centre, and small numbers keep their digits.
    centre = real.mean(axis=0)
    real, generated = real - centre, generated - centre
    shares = []
    for covering, covered in ((real, generated), (generated, real)):
        within = _is_covered(covered, covering, num_neighbours)
        counts = bootstrap_counts(len(within), num_resamples, seed + len(shares))
        resampled = counts @ within / len(within)
        shares.append(Estimate(float(within.mean()), float(resampled.std(ddof=1))))
    return PrecisionRecall(*shares)


def _is_covered(rows: np.ndarray, others: np.ndarray, neighbours: int) -> np.ndarray:
    """Tells whether each row is in the neighbourhood of one of the others."""
    from sklearn.metrics import pairwise_distances_chunked
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(others)
    radii = search.kneighbors()[0][:, -1]  # a row is no neighbour of itself
    chunks = pairwise_distances_chunked(
        rows, others, reduce_func=lambda part, start: (part <= radii).any(axis=1)
    )
    return np.concatenate(list(chunks))


class Nearest(NamedTuple):
    """The nearest images of another set.

    Attributes:
        indices: of the images in that set, nearest first, int (images, k).
        distances: Euclidean, float64 (images, k).
    """

    indices: np.ndarray
    distances: np.ndarray


def nearest_images(images: Any, others: Any, num_nearest: int = 1) -> Nearest:
    """Finds the images of another set that are nearest to each image.

    Beside samples the nearest training images show whether they were learned by heart.

    Args:
        images: features, (images, dimensions), as `extract` gives them.
        others: features of the images among which to search, of the same dimensions.
        num_nearest: how many to find for each image. Default 1.

    Returns:
        The places of the nearest, and how far they are.

    Raises:
        ValueError: when an argument is not as said.
    """
    from sklearn.neighbors import NearestNeighbors

    others, images = check_pair(others, images)
    if not is_integer(num_nearest, 1) or num_nearest > len(others):
        raise ValueError(
            f"num_nearest must be an integer from 1 to {len(others)}, the number of "
            f"images to search. Received: {num_nearest!r}"
        )
    search = NearestNeighbors(n_neighbors=num_nearest, algorithm="brute").fit(others)
    distances, indices = search.kneighbors(images)
    return Nearest(indices, distances)


class Memorisation(NamedTuple):
    """Measures of whether samples are copies: nearer to training images than others.

    Attributes:
        share: the probability that a sample is nearer to its nearest training image
            than a real image that was not trained on, ties counting half: 0.5 where
            both are alike, 1 for copies, below 0.5 where samples keep further away.
        z_score: by how many standard deviations of chance the share is above 0.5.
            Above about 3 the model copies.
    """

    share: float
    z_score: float


def memorisation(generated: Any, train: Any, unseen: Any) -> Memorisation:
    """Tells whether a model learned its training images by heart.

    Compares, by a Mann-Whitney test, the distances of samples to their nearest training
    images with those of real images that the model was not trained on.

    Args:
        generated: features of samples, (images, dimensions).
        train: features of the training images, of the same dimensions.
        unseen: features of real images that were not trained on.

    Returns:
        The share and its significance.

    Raises:
        ValueError: when the features are not as said.

    References:
        Meehan, Chaudhuri and Dasgupta 2020, arXiv 2004.05675, here with one cell.
    """
    from scipy import stats

    samples = nearest_images(generated, train).distances[:, 0]
    real = nearest_images(check_features(unseen, "unseen"), train).distances[:, 0]
    ranks = stats.rankdata(np.concatenate([real, samples]))
    # How many pairs there are in which the unseen image is further away.
    count = ranks[: len(real)].sum() - len(real) * (len(real) + 1) / 2
    pairs = len(real) * len(samples)
    variance = pairs * (len(ranks) + 1) / 12 * stats.tiecorrect(ranks)
    z_score = (count - pairs / 2) / np.sqrt(variance) if variance > 0 else 0.0
    return Memorisation(float(count / pairs), float(z_score))
