"""Tests of the log probability of single values, for every likelihood."""

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn import likelihoods
from keras_pixelcnn.likelihoods import PixelLikelihood

LIKELIHOODS = [
    likelihoods.Categorical(5, 3),
    likelihoods.Categorical(256, 1),
    likelihoods.LogisticMixture(256, 1),
    likelihoods.LogisticMixture(17, 3, num_mixtures=4),
    likelihoods.LogisticMixture(256, 4, num_mixtures=1),
    likelihoods.TwoSidedGeometric(17, 3),
]


def name_of(likelihood):
    return f"{likelihood.name}-{likelihood.num_levels}-{likelihood.channels}"


def parameters_and_image(likelihood, scale=1.0):
    generator = np.random.default_rng(0)
    parameters = generator.normal(size=(2, 3, 4, *likelihood.pixel_shape)) * scale
    shape = (2, 3, 4, likelihood.channels)
    image = generator.integers(0, likelihood.num_levels, shape)
    return tf.constant(parameters, tf.float32), image


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=name_of)
def test_values_sum_to_the_image(likelihood):
    parameters, image = parameters_and_image(likelihood)
    values = likelihood.value_log_prob(parameters, image)
    assert values.shape == image.shape and values.dtype == tf.float32
    np.testing.assert_allclose(
        tf.reduce_sum(values, axis=[1, 2, 3]),
        likelihood.image_log_prob(parameters, image),
        rtol=1e-5,
    )


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=name_of)
def test_each_value_has_the_probability_that_it_is_drawn_with(likelihood):
    """Through the weights of all its levels, as the sampler has them."""
    parameters, image = parameters_and_image(likelihood, 0.3)
    expected = PixelLikelihood.value_log_prob(likelihood, parameters, image)
    found = likelihood.value_log_prob(parameters, image)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=name_of)
def test_the_levels_of_a_value_sum_to_1(likelihood):
    parameters, image = parameters_and_image(likelihood)
    levels = likelihood.num_levels
    images = np.repeat(image[:1], levels, axis=0)
    images[..., -1] = np.arange(levels)[:, np.newaxis, np.newaxis]
    nats = likelihood.value_log_prob(tf.repeat(parameters[:1], levels, axis=0), images)
    np.testing.assert_allclose(np.exp(nats)[..., -1].sum(axis=0), 1, rtol=1e-4)


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=name_of)
def test_what_is_no_level_has_no_probability_and_others_keep_theirs(likelihood):
    parameters, image = parameters_and_image(likelihood)
    before = likelihood.value_log_prob(parameters, image).numpy()
    image[0, 1, 2, -1] = likelihood.num_levels
    for value_log_prob in (
        likelihood.value_log_prob,
        lambda *arguments: PixelLikelihood.value_log_prob(likelihood, *arguments),
    ):
        after = value_log_prob(parameters, image).numpy()
        assert after[0, 1, 2, -1] == -np.inf
        assert np.isfinite(after).sum() == after.size - 1
    after = likelihood.value_log_prob(parameters, image).numpy()
    after[0, 1, 2, -1] = before[0, 1, 2, -1]
    np.testing.assert_array_equal(after, before)


def test_a_likelihood_needs_no_way_of_its_own():
    likelihood = likelihoods.Categorical(5, 2)
    parameters, image = parameters_and_image(likelihood)

    class Plain(likelihoods.Categorical):
        value_log_prob = PixelLikelihood.value_log_prob

    run = tf.function(Plain(5, 2).value_log_prob)
    np.testing.assert_allclose(
        run(parameters, tf.constant(image)),
        likelihood.log_prob(parameters, image),
        rtol=1e-5,
    )
