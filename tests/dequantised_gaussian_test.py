"""Tests of the Gaussian over images with uniform noise."""

import numpy as np
import pytest
from scipy import stats

from keras_pixelcnn import dequantised_gaussian
from keras_pixelcnn.dequantised_gaussian import DequantisedGaussian

# Two pixels of three levels, and how often each pair occurs.
PAIRS = np.array([[0, 0], [0, 1], [1, 1], [2, 1], [2, 2]])
COUNTS = np.array([4, 1, 2, 1, 4])


def _rows(count, dimensions, seed=0):
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(dimensions, dimensions)) * 20
    rows = np.rint(generator.normal(size=(count, dimensions)) @ mixing + 500)
    return np.clip(rows, 0, 1023).astype(np.int64)


@pytest.mark.parametrize("shrinkage", [0.0, 0.1, 1.0])
def test_scores_are_those_of_scipy(shrinkage):
    train, test = _rows(200, 6), _rows(50, 6, seed=1)
    covariance = np.cov(train.T, bias=True) + np.eye(6) / 12
    shrunk = (1 - shrinkage) * covariance + shrinkage * np.diag(np.diag(covariance))
    noisy = test + np.random.default_rng(3).random(test.shape)
    wanted = stats.multivariate_normal(train.mean(0) + 0.5, shrunk).logpdf(noisy)
    scores = DequantisedGaussian.fit(train).bits_per_dim(
        test, np.random.default_rng(3), np.array([0.5, shrinkage])
    )
    np.testing.assert_allclose(scores[1], -wanted.mean() / 6 / np.log(2), rtol=1e-10)


def test_the_noise_is_integrated_out_of_the_fit():
    rows = np.repeat(PAIRS, COUNTS, axis=0)
    noisy = np.tile(rows, (50_000, 1)) + np.random.default_rng(0).random((600_000, 2))
    fitted = DequantisedGaussian.fit(rows)
    correlation = (fitted.eigenvectors * fitted.eigenvalues) @ fitted.eigenvectors.T
    covariance = correlation * np.outer(fitted.deviation, fitted.deviation)
    np.testing.assert_allclose(fitted.mean, noisy.mean(0), atol=0.005)
    np.testing.assert_allclose(covariance, np.cov(noisy.T), atol=0.005)


def test_scores_bound_those_of_the_gaussian_on_the_integers():
    rows = np.repeat(PAIRS, COUNTS, axis=0)
    covariance = np.cov(rows.T, bias=True) + np.eye(2) / 12
    gaussian = stats.multivariate_normal(rows.mean(0) + 0.5, covariance)
    masses = np.array([gaussian.cdf(pair + 1, lower_limit=pair) for pair in PAIRS])
    frequencies = COUNTS / COUNTS.sum()
    exact = -np.sum(frequencies * np.log2(masses)) / 2
    entropy = -np.sum(frequencies * np.log2(frequencies)) / 2
    bound = DequantisedGaussian.fit(rows).bits_per_dim(
        np.tile(rows, (5_000, 1)), np.random.default_rng(0), np.zeros(1)
    )
    assert entropy < exact < bound[0]
    # The fit has the moments of what it scores: its mean is the Gaussian's entropy.
    np.testing.assert_allclose(bound[0], gaussian.entropy() / 2 / np.log(2), atol=0.01)


@pytest.mark.parametrize("num_levels", [2, 256, 2**16, 2**26])
def test_images_that_leave_most_directions_empty_have_positive_eigenvalues(num_levels):
    rows = np.zeros((300, 100), np.int64)
    rows[::2, :99] = num_levels - 1  # one direction of great variance, one constant
    fitted = DequantisedGaussian.fit(rows)
    smallest = 1 / 12 / (((num_levels - 1) / 2) ** 2 + 1 / 12)
    assert np.all(fitted.eigenvalues > 0.9 * smallest)
    scores = fitted.bits_per_dim(rows, np.random.default_rng(0), np.array([0.0, 1.0]))
    assert np.all(np.isfinite(scores))
    assert scores[0] < scores[1]


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float64])
def test_blocks_and_types_do_not_change_the_scores(monkeypatch, dtype):
    rows = (_rows(101, 6) % 256).astype(dtype)

    def scores():
        return DequantisedGaussian.fit(rows).bits_per_dim(
            rows, np.random.default_rng(0), np.array([0.0, 0.5])
        )

    whole = scores()
    monkeypatch.setattr(dequantised_gaussian, "_BLOCK_VALUES", 60)
    np.testing.assert_allclose(scores(), whole, rtol=1e-10)
