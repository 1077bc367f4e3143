"""Tests of the distances against closed forms and other ways to compute them."""

import numpy as np
import pytest
import scipy.linalg
from sklearn.metrics.pairwise import polynomial_kernel

from keras_pixelcnn import evaluation


def normal(count, dims, seed=0, scale=1.0, shift=0.0):
    return np.random.default_rng(seed).normal(shift, scale, (count, dims))


def whitened(count, dims, seed=0):
    """Features of mean exactly 0 and covariance exactly the identity."""
    rows = normal(count, dims, seed)
    rows -= rows.mean(axis=0)
    factor = np.linalg.cholesky(np.cov(rows, rowvar=False))
    return np.linalg.solve(factor, rows.T).T


# The Frechet distance.


def test_diagonal_covariances_have_a_closed_form():
    scales, other = np.array([1.0, 2.0, 0.5]), np.array([3.0, 0.1, 0.5])
    shift = np.array([1.0, -2.0, 0.0])
    distance = evaluation.frechet_distance(
        whitened(50, 3) * scales, whitened(40, 3, seed=1) * other + shift, 2
    )
    expected = np.sum(shift**2) + np.sum((scales - other) ** 2)
    assert distance.value == pytest.approx(expected, rel=1e-12)


def test_the_usual_formula_gives_the_same():
    mix = normal(5, 5, seed=2)
    real, generated = normal(200, 5) @ mix, normal(100, 5, seed=1) + 0.3
    root = scipy.linalg.sqrtm(
        np.cov(real, rowvar=False) @ np.cov(generated, rowvar=False)
    ).real
    expected = np.sum((real.mean(0) - generated.mean(0)) ** 2) + np.trace(
        np.cov(real, rowvar=False) + np.cov(generated, rowvar=False) - 2 * root
    )
    distance = evaluation.frechet_distance(real, generated, 2)
    assert distance.value == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("count", [6, 100])
def test_fewer_images_than_dimensions_are_no_trouble(count):
    rows = normal(count, 20)
    assert evaluation.frechet_distance(rows, rows[::-1], 2).value == pytest.approx(
        0, abs=1e-9
    )
    shifted = evaluation.frechet_distance(rows, rows + 2.0, 2)
    assert shifted.value == pytest.approx(20 * 4.0, rel=1e-9)


# The kernel distance.


def test_the_kernel_distance_is_the_unbiased_mean_over_all_pairs():
    real, generated = normal(1500, 4), normal(30, 4, seed=1, shift=0.5)
    within = [polynomial_kernel(rows, degree=3) for rows in (real, generated)]
    means = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in within]
    expected = sum(means) - 2 * polynomial_kernel(real, generated, degree=3).mean()
    distance = evaluation.kernel_distance(real, generated, 2)
    assert distance.value == pytest.approx(expected, rel=1e-9)


def test_it_is_unbiased():
    """Of sets of the same kind it is 0 in the mean, however few the images."""
    values = [
        evaluation.kernel_distance(
            normal(6, 2, seed=2 * i), normal(6, 2, seed=2 * i + 1), 2
        ).value
        for i in range(600)
    ]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(len(values))
    assert min(values) < 0


# The errors.


@pytest.mark.parametrize(
    "measure", [evaluation.frechet_distance, evaluation.kernel_distance]
)
def test_the_error_is_how_much_the_value_varies(measure):
    """That of one pair of sets against the spread over many pairs."""
    pairs = [
        (normal(200, 3, seed=2 * i), normal(200, 3, seed=2 * i + 1, shift=1.0))
        for i in range(60)
    ]
    spread = np.std([measure(*pair, 2).value for pair in pairs], ddof=1)
    errors = [measure(*pair, 100).standard_error for pair in pairs[:10]]
    assert np.mean(errors) == pytest.approx(spread, rel=0.3)


@pytest.mark.parametrize(
    "measure", [evaluation.frechet_distance, evaluation.kernel_distance]
)
def test_a_seed_repeats_the_error(measure):
    pair = normal(20, 3), normal(30, 3, seed=1)
    assert measure(*pair, 5, seed=3) == measure(*pair, 5, seed=3)
    assert measure(*pair, 5, seed=3) != measure(*pair, 5, seed=4)


# What is refused.


@pytest.mark.parametrize(
    ("real", "generated", "words"),
    [
        (np.zeros((3, 2)), np.zeros((3, 4)), r"\(3, 2\) and \(3, 4\)"),
        (np.zeros((1, 2)), np.zeros((3, 2)), "real must be .* at least 2 images"),
        (np.zeros((3, 2)), np.zeros(3), r"generated .*Received shape: \(3,\)"),
        (np.zeros((3, 2)), np.full((3, 2), np.nan), "generated must be finite"),
    ],
)
@pytest.mark.parametrize(
    "measure", [evaluation.frechet_distance, evaluation.kernel_distance]
)
def test_what_are_no_features_is_told(measure, real, generated, words):
    with pytest.raises(ValueError, match=words):
        measure(real, generated)


def test_one_resample_makes_no_error():
    with pytest.raises(ValueError, match=r"num_resamples .* at least 2\..*=1"):
        evaluation.frechet_distance(np.zeros((3, 2)), np.zeros((3, 2)), 1)
