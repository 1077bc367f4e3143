"""The mean of a discretised mixture of logistics, against sums in float64."""

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.distributions import (
    DiscretizedLogisticMixture,
    discretized_mean,
    sampled_mean,
)
from keras_pixelcnn.distributions.mean_level import mean_level
from keras_pixelcnn.likelihoods.discretized_mixture import PixelMixture
from tests.likelihoods.logistic_reference import level_log_prob


def sum_above(loc, scale, num_levels):
    """Mean level of logistics, term by term."""
    edges = np.arange(num_levels - 1) + 0.5
    return (0.5 + 0.5 * np.tanh((loc[:, None] - edges) / (2 * scale))).sum(axis=-1)


def one_component(loc, log_scale, coefficients, num_levels):
    pairs = [coefficients[later, :later] for later in range(len(loc))]
    return DiscretizedLogisticMixture(
        [0.0],
        tf.cast([loc], tf.float64),
        log_scale=[log_scale],
        coefficients=tf.constant([np.concatenate(pairs)], tf.float64),
        num_levels=num_levels,
    )


def mean_by_paths(loc, log_scale, coefficients, num_levels):
    """Over all values that are likely at all, in float64."""
    levels, middle = np.arange(num_levels), (num_levels - 1) / 2
    paths, probabilities, means = np.zeros([1, 0]), np.ones(1), []
    for channel in range(len(loc)):
        own = loc[channel] + (paths - middle) @ coefficients[channel, :channel]
        scale = np.exp(log_scale[channel])
        means.append(probabilities @ sum_above(own, scale, num_levels))
        if channel + 1 == len(loc):
            return np.array(means)
        nats = level_log_prob(levels, own[:, None], log_scale[channel], num_levels)
        joint = probabilities[:, None] * np.exp(nats)
        path, level = np.nonzero(joint > 1e-11)
        paths = np.column_stack([paths[path], level])
        probabilities = joint[path, level]
        assert len(paths) < 300_000


@pytest.mark.parametrize("num_levels", [2, 65, 66, 256, 3000])
@pytest.mark.parametrize("scale", [1e-20, 0.05, 0.3, 0.99, 1.01, 3.0, 100.0, 1e5, 1e12])
def test_the_mean_of_one_logistic_is_the_sum_over_its_edges(num_levels, scale):
    places = [-1e30, -1e3, -0.5, 0.0, 0.5, 0.7, 1.5, num_levels / 2, 1e30]
    spread = np.random.default_rng(0).uniform(-0.2, 1.2, 50) * num_levels
    loc = np.concatenate([places, spread, num_levels - np.array([0.5, 1.0, 1.7])])
    found = mean_level(tf.constant(loc), tf.constant(1 / scale, tf.float64), num_levels)
    expected = sum_above(loc, scale, num_levels)
    np.testing.assert_allclose(found, expected, atol=3e-6, rtol=1e-12)


CHAINS = {
    # Levels, channels, logarithm of the scales.
    "three channels of 256": (256, 3, 0.3),
    "two channels of 65,536": (65_536, 2, 0.0),
    "three channels of 65,536": (65_536, 3, -2.0),
    "four channels of 256": (256, 4, -0.5),
    "eight channels of 256": (256, 8, -2.2),
}


def random_chain(num_levels, channels, log_scale, seed=0):
    generator = np.random.default_rng(seed)
    loc = generator.uniform(0, num_levels - 1, channels)
    loc[-1] = num_levels - 3  # cut off, so that the mean is not linear
    log_scales = log_scale + generator.uniform(-0.3, 0.3, channels).astype("float32")
    coefficients = generator.uniform(-1, 1, (channels, channels))
    return loc, log_scales.astype("float32"), coefficients, num_levels


@pytest.mark.parametrize("case", CHAINS)
def test_the_mean_is_that_of_all_likely_values(case):
    chain = random_chain(*CHAINS[case])
    expected = mean_by_paths(*chain)
    found = one_component(*chain).mean()
    np.testing.assert_allclose(found, expected, atol=1e-5 * (chain[-1] - 1))


WIDE = [(256, 4, 2.0), (256, 5, 4.0)]


@pytest.mark.parametrize("wide", WIDE, ids=str)
def test_the_mean_of_wide_channels_is_that_of_samples(wide):
    distribution = one_component(*random_chain(*wide))
    drawn = distribution.sample(100_000, seed=1).numpy().astype("float64")
    error = drawn.std(axis=0) / np.sqrt(len(drawn))
    np.testing.assert_array_less(
        np.abs(distribution.mean() - drawn.mean(axis=0)), 4.5 * error
    )


@pytest.mark.parametrize("log_scale", [1.0, 6.0])
def test_the_mean_of_what_is_symmetric_is_the_middle(log_scale):
    _, log_scales, coefficients, _ = random_chain(256, 8, log_scale)
    found = one_component(np.full(8, 127.5), log_scales, coefficients, 256).mean()
    np.testing.assert_allclose(found, np.full(8, 127.5), atol=1e-5 * 255)


def test_channels_that_repeat_or_mirror_the_first_have_its_mean():
    """Each by the one before it, and as sharp as floats can be."""
    log_scales = np.array([2.5, *[-50.0] * 7], "float32")
    coefficients = np.diag([1.0, -1.0, 1.0, 1.0, -1.0, 1.0, 1.0], -1)
    loc = np.array([240.0, *[127.5] * 7])
    found = one_component(loc, log_scales, coefficients, 256).mean().numpy()
    first = sum_above(loc[:1], np.exp(2.5), 256)
    expected = np.where(np.array([1, 1, 0, 0, 0, 1, 1, 1]), first, 255 - first)
    np.testing.assert_allclose(found, expected, atol=1e-5 * 255)


def test_a_sample_gives_what_the_sum_gives(monkeypatch):
    chain = random_chain(40, 3, 0.5)
    exact = one_component(*chain).mean()
    monkeypatch.setattr(discretized_mean, "_MOST_TERMS", 40)
    means = discretized_mean._component_means.python_function
    anew = tf.function(means, autograph=False)
    monkeypatch.setattr(discretized_mean, "_component_means", anew)
    np.testing.assert_allclose(one_component(*chain).mean(), exact, atol=1e-5 * 39)


def component_of(loc, log_scale, coefficients, num_levels):
    pairs = np.concatenate([row[:later] for later, row in enumerate(coefficients)])
    columns = (tf.cast(part, tf.float64)[:, None] for part in (loc, log_scale, pairs))
    return PixelMixture(tf.zeros([1], tf.float64), *columns)


def test_too_few_samples_are_told(monkeypatch):
    monkeypatch.setattr(sampled_mean, "_MOST_POINTS", 2**10)
    sentence = "3 channels of 256 levels could not be found to 1e-05 .* mean of samples"
    with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
        sampled_mean.means(component_of(*random_chain(256, 3, 4.0)), 2, 256)


def test_a_sample_has_no_gradient_and_says_so():
    component = component_of(*random_chain(256, 3, -2.0))
    with tf.GradientTape() as tape:
        tape.watch(component.loc)
        found = sampled_mean.means(component, 2, 256)
    with pytest.raises(LookupError, match="has no gradient"):
        tape.gradient(found, component.loc)


def test_sums_have_gradients():
    loc, *rest = random_chain(40, 2, 1.0)
    given = tf.constant(loc)
    with tf.GradientTape() as tape:
        tape.watch(given)
        last = one_component(given, *rest).mean()[-1]
    slope = tape.gradient(last, given).numpy()
    step = np.array([1e-3, 0])
    ends = [mean_by_paths(loc + way * step, *rest)[-1] for way in (-1, 1)]
    assert 0.3 < slope[1] < 1  # a part of the channel is beyond the end of the range
    assert slope[0] == pytest.approx((ends[1] - ends[0]) / 2e-3, rel=1e-3)


@pytest.mark.parametrize("scale", [0.3, 3.0])
def test_the_mean_of_one_logistic_has_its_gradient(scale):
    loc = tf.constant([-1.0, 0.2, 100.3, 254.9])
    loc, inverse_scale = tf.cast(loc, tf.float64), tf.constant(1 / scale, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(loc)
        level = mean_level(loc, inverse_scale, 256)
    ends = [sum_above(loc.numpy() + way * 1e-4, scale, 256) for way in (-1, 1)]
    expected = (ends[1] - ends[0]) / 2e-4
    np.testing.assert_allclose(tape.gradient(level, loc), expected, atol=1e-5)
