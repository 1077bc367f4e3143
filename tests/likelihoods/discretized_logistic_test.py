"""The discretised logistic, against float64 and against itself."""

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.likelihoods import discretized_logistic
from tests.likelihoods import logistic_reference

LEVELS = [2, 5, 256, 65_536]


def log_prob(levels, loc, log_scale, num_levels):
    return discretized_logistic.log_prob(levels - loc, levels, log_scale, num_levels)


def grid(num_levels):
    """Levels (n,), locations far below to far above, log scales from -50 to 20."""
    generator = np.random.default_rng(0)
    places = [-1e6, -1e3, -0.5, 0, 0.499999, 0.5, num_levels / 2, num_levels - 1, 1e6]
    loc = np.concatenate([places, generator.uniform(-1, 2, 9) * num_levels])
    levels = np.arange(num_levels)
    if num_levels > 1000:
        edges = [0, 1, num_levels // 2, num_levels - 2, num_levels - 1]
        levels = np.unique([*edges, *generator.integers(0, num_levels, 40)])
    grids = np.meshgrid(loc, np.linspace(-50, 20, 36), levels, indexing="ij")
    return [tf.constant(x, tf.float64) for x in grids]


@pytest.mark.parametrize("num_levels", LEVELS)
def test_one_component_is_as_in_float64(num_levels):
    """Log probabilities to 1e-5 of themselves, and finite gradients, at every scale."""
    loc, log_scale, levels = inputs = grid(num_levels)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        nats = log_prob(levels, loc, log_scale, num_levels)
    for gradient in tape.gradient(nats, inputs):
        assert np.all(np.isfinite(gradient))
    exact = logistic_reference.level_log_prob(levels, loc, log_scale, num_levels)
    assert exact.min() < -1e20 and exact.max() > -1e-30
    np.testing.assert_allclose(nats, exact, rtol=1e-5, atol=1e-37)


@pytest.mark.parametrize(("num_levels", "length"), [(2, 1), (40, 7), (256, 16)])
def test_weights_of_runs_are_as_in_float64(num_levels, length):
    """However small, of long runs and of the single levels in one of them."""
    generator = np.random.default_rng(0)
    loc = generator.uniform(-1, 2, (300, 1)) * num_levels
    log_scale = generator.uniform(-20, 10, (300, 1))
    loc, log_scale = loc.astype("float32"), log_scale.astype("float32")
    exact = logistic_reference.level_log_prob(
        np.arange(num_levels), loc, log_scale, num_levels
    )
    exact = np.pad(np.exp(exact), [[0, 0], [0, -num_levels % length]])
    exact = exact.reshape(300, -1, length)
    inverse_scale = np.clip(np.exp(-log_scale.astype("float64")), 1e-30, 1e30)
    mixture = (np.ones_like(loc), loc, loc * 0, inverse_scale.astype("float32"))
    mixture = [*(tf.constant(part[:, np.newaxis]) for part in mixture), num_levels]
    runs = discretized_logistic.run_weights(0.0, length, exact.shape[1], *mixture)
    tolerance = {"rtol": 2e-5, "atol": 1e-35}
    np.testing.assert_allclose(runs, exact.sum(-1), **tolerance)
    chosen = generator.integers(0, exact.shape[1], 300)
    first = tf.constant(chosen[:, np.newaxis] * length, tf.float32)
    levels = discretized_logistic.run_weights(first, 1, length, *mixture)
    np.testing.assert_allclose(levels, exact[range(300), chosen], **tolerance)


@pytest.mark.parametrize("num_levels", LEVELS[:3])
def test_probabilities_of_all_levels_sum_to_1(num_levels):
    loc, log_scale, levels = grid(num_levels)
    nats = log_prob(levels, loc, log_scale, num_levels)
    total = np.exp(nats.numpy().astype("float64")).sum(axis=-1)
    np.testing.assert_allclose(total, np.ones_like(total), atol=1e-5)


def test_probabilities_of_65536_levels_sum_to_1():
    levels = tf.range(65_536, dtype=tf.float32)
    scales = np.linspace(-50, 20, 15, dtype="float32")[:, np.newaxis]
    for loc in tf.constant([-1e6, 0.3, 40_000.0, 65_535.5, 1e6]):
        nats = log_prob(levels, loc, scales, 65_536)
        total = np.exp(nats.numpy().astype("float64")).sum(axis=-1)
        np.testing.assert_allclose(total, np.ones(15), atol=1e-5)


@pytest.mark.parametrize("log_scale", [-50.0, -3.0, 0.0, 20.0, 40.0, 60.0])
@pytest.mark.parametrize("distance", [3e8, 1e12, 1e20])
def test_far_locations_count_for_what_they_are(log_scale, distance):
    """But for nats so many that images could not sum them."""
    inputs = [
        tf.constant([0.0, 2.0, 4.0]),
        tf.constant(distance),
        tf.constant(log_scale),
    ]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        nats = log_prob(*inputs, 5)
    for found in (nats, *tape.gradient(nats, inputs)):
        assert np.all(np.isfinite(found))
    edges = (np.array([0.5, 3.5]) - np.float64(inputs[1])) / np.exp(log_scale)
    exact = -np.logaddexp(0, [-1, 1] * edges)
    if exact[0] < -1e30:
        assert nats[0] < -1e29
        exact[0] = nats[0]
    np.testing.assert_allclose(nats.numpy()[[0, 2]], exact, rtol=1e-5, atol=1e-37)


@pytest.mark.parametrize("log_scale", [-1e30, -90.0, 90.0, 1e30])
def test_nothing_breaks_beyond_the_scales_that_floats_have(log_scale):
    inputs = [tf.constant([0.0, 3.0, 4.0]), tf.constant(2.0), tf.constant(log_scale)]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        nats = log_prob(*inputs, 5)
    for found in (nats, *tape.gradient(nats, inputs)):
        assert np.all(np.isfinite(found))
