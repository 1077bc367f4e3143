"""Tests of the two-sided geometric likelihood, against a few lines of NumPy."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn import likelihoods

EXTREME = [-1e30, -40.0, -3.0, 0.0, 0.7, 9.0, 1e30]
GRID = np.array(list(itertools.product(EXTREME, EXTREME)), "float32")


def probabilities(parameters, num_levels):
    """The probabilities of all levels, in float64: (examples, num_levels)."""
    logit, width = parameters.astype("float64").T[..., np.newaxis]
    centre = (num_levels - 1) / (1 + np.exp(-np.clip(logit, -700, 700)))
    width = 0.05 + np.logaddexp(0, width)
    exponents = -np.abs(np.arange(num_levels) - centre) / width
    weights = np.exp(exponents - exponents.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("num_levels", [2, 5, 256])
def test_the_probabilities_are_those_of_numpy_and_sum_to_1(num_levels):
    likelihood = likelihoods.TwoSidedGeometric(num_levels)
    parameters = np.repeat(GRID[:, np.newaxis], num_levels, axis=1)
    levels = np.broadcast_to(np.arange(num_levels), parameters.shape[:2])
    nats = likelihood.log_prob(tf.constant(parameters), levels).numpy()
    expected = probabilities(GRID, num_levels)
    np.testing.assert_allclose(np.exp(nats), expected, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(np.exp(nats).sum(axis=1), 1, rtol=1e-5)
    weights = likelihood.level_weights(tf.constant(GRID)).numpy()
    shares = weights / weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares, expected, rtol=5e-3, atol=1e-6)


def test_gradients_are_finite_and_move_the_centre_towards_the_value():
    parameters = tf.constant(GRID)
    likelihood = likelihoods.TwoSidedGeometric(17)
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        nats = likelihood.log_prob(parameters, np.full(len(GRID), 16))
    gradient = tape.gradient(nats, parameters).numpy()
    assert np.isfinite(gradient).all()
    assert gradient[GRID.tolist().index([0.0, 0.0])][0] > 0


@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_samples_invert_the_cumulative_distribution(temperature):
    parameters = np.float32([[0.3, 1.5]])
    uniforms = np.random.default_rng(0).uniform(size=2000).astype("float32")
    drawn = likelihoods.TwoSidedGeometric(40).sample(
        tf.constant(np.repeat(parameters, 2000, axis=0)),
        tf.constant(uniforms),
        tf.fill([2000], temperature),
    )
    shares = probabilities(parameters, 40)[0] ** (1 / temperature)
    cumulative = np.cumsum(shares / shares.sum())
    expected = np.searchsorted(cumulative, uniforms, side="right")
    near_an_edge = np.abs(cumulative - uniforms[:, np.newaxis]).min(axis=1) < 2e-6
    assert near_an_edge.mean() < 0.1
    np.testing.assert_array_equal(drawn[~near_an_edge], expected[~near_an_edge])


def test_guidance_exaggerates_and_what_is_not_finite_gives_no_level():
    likelihood = likelihoods.TwoSidedGeometric(40)
    low, high = tf.constant([[-2.0, 0.5]]), tf.constant([[2.0, 0.5]])
    half, one = tf.constant([0.5]), tf.constant([1.0])
    for scale, centre in ((0.0, low), (1.0, high)):
        guided = likelihood.sample_guided(high, low, tf.constant([scale]), half, one)
        np.testing.assert_array_equal(guided, likelihood.sample(centre, half, one))
    beyond = likelihood.sample_guided(high, low, tf.constant([4.0]), half, one)
    assert beyond[0] > likelihood.sample(high, half, one)[0]
    assert likelihood.sample(tf.constant([[np.nan, 0.0]]), half, one)[0] < 0


def test_parameters_of_another_shape_are_told():
    with pytest.raises(ValueError, match=r"parameters must have the shape \(\.\.\., 2"):
        likelihoods.TwoSidedGeometric(5).log_prob(tf.zeros([4, 3]), [0, 1, 2, 3])
