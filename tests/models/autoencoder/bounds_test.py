"""Tests of the variational auto-encoder: bounds, and what they bound."""

import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.models.autoencoder.gaussian_posterior import image_seeds
from keras_pixelcnn.samplers import example_normals
from tests.models.autoencoder.small_autoencoder import SHAPE, new_autoencoder
from tests.test_case import all_images, losses_of, random_images

pytestmark = pytest.mark.op_by_op

BETA = 0.25


@pytest.fixture(scope="module")
def model():
    return new_autoencoder(beta=BETA)


@pytest.fixture(scope="module")
def images(model):
    return random_images(model, 6)


@pytest.fixture(scope="module")
def tiny():
    """A model of 8 images and one latent number: log p(x) is an integral on a line."""
    model = new_autoencoder((1, 3, 1), 2, latent_dim=1, beta=1.0)
    return model, all_images((1, 3, 1), 2)


def integrated_log_prob(model, images):
    """The log of the integral of p(x | z) N(z) over a fine grid of z: (images,)."""
    grid = np.linspace(-7, 7, 141)
    step = grid[1] - grid[0]
    log_prior = -(grid**2) / 2 - np.log(2 * np.pi) / 2
    pairs = np.repeat(images, len(grid), axis=0)
    latent = np.tile(grid, len(images))[:, None].astype("float32")
    nats = model.decoder.log_prob(pairs, batch_size=4096, embedding=latent).numpy()
    terms = nats.reshape(len(images), len(grid)).astype("float64") + log_prior
    return np.log(np.exp(terms).sum(axis=1) * step)


def repeated(estimate, images, num_samples, repeats=150):
    """The mean over many estimates of each image, and its standard error."""
    many = np.repeat(images, repeats, axis=0)
    found = estimate(many, num_samples, seed=num_samples, batch_size=4096).numpy()
    found = found.reshape(len(images), repeats)
    return found.mean(axis=1), found.std(axis=1) / np.sqrt(repeats)


@pytest.mark.op_by_op(False)
def test_the_importance_weighted_estimate_rises_from_the_elbo_to_log_p(tiny):
    model, images = tiny
    exact = integrated_log_prob(model, images)
    assert np.exp(exact).sum() == pytest.approx(1, abs=1e-4)
    elbo, error = repeated(model.elbo, images, 8)
    assert (elbo < exact + 4 * error).all() and elbo.mean() < exact.mean() - 0.1
    one, error_of_one = repeated(model.importance_weighted_log_prob, images, 1)
    assert np.all(np.abs(one - elbo) < 4 * (error + error_of_one))
    last = one.mean()
    for num_samples in (4, 32):
        bound, error = repeated(model.importance_weighted_log_prob, images, num_samples)
        assert (bound < exact + 4 * error).all()
        assert bound.mean() > last + 0.01
        last = bound.mean()
    assert exact.mean() - last < 0.25 * (exact - elbo).mean()


def test_the_loss_weighs_the_divergence_and_the_metric_does_not(model, images):
    posterior = model.posterior(images)
    noise = example_normals(image_seeds(images), [model.latent_dim])
    latent = posterior.mean() + posterior.stddev() * noise
    nats = model.decoder.log_prob(images, embedding=latent).numpy()
    variance = np.square(posterior.stddev())
    divergence = variance + np.square(posterior.mean()) - 1 - np.log(variance)
    divergence = divergence.sum(axis=1) / 2
    assert divergence.min() > 0.01
    model.compile()
    shown = model.evaluate(images, verbose=0, return_dict=True)
    bits = kp.bits_per_dim(nats - divergence, model.num_dims).mean()
    assert shown["elbo_bits_per_dim"] == pytest.approx(bits, rel=1e-5)
    bits = kp.bits_per_dim(nats - BETA * divergence, model.num_dims).mean()
    assert shown["loss"] == pytest.approx(bits, rel=1e-5)


def test_a_score_is_the_same_every_time_and_in_any_batch(model, images):
    model.compile()
    scores = [
        model.evaluate(data, batch_size=size, verbose=0)
        for data, size in ((images, 6), (images[::-1], 4), (images, 1))
    ]
    for score in scores[1:]:
        np.testing.assert_allclose(score, scores[0], rtol=1e-5)


def test_each_step_of_training_draws_other_latents(model, images):
    features = {"image": np.repeat(images[:1], 2, axis=0)}
    losses = [losses_of(model, features, training=True).loss for _ in range(2)]
    assert len(np.unique(losses)) == 4


def test_estimates_depend_on_the_seed_of_the_image_alone(model, images):
    for estimate in (model.elbo, model.importance_weighted_log_prob):
        nats = estimate(images, 3, seed=9).numpy()
        assert nats.dtype == "float32" and nats.shape == (6,)
        seeds = kp.example_seeds(9, 6)
        part = estimate(images[2:5], 3, seed=seeds[2:5], batch_size=2)
        np.testing.assert_allclose(part, nats[2:5], rtol=1e-5)
        assert not np.allclose(estimate(images, 3, seed=8), nats)


def test_encode_gives_the_mean_of_the_posterior(model, images):
    posterior = model.posterior(images)
    assert posterior.batch_shape == (6,) and posterior.event_shape == (4,)
    np.testing.assert_allclose(model.encode(images), posterior.mean(), atol=1e-5)


def test_no_images_have_no_posteriors(model, images):
    posterior = model.posterior(images[:0])
    assert posterior.batch_shape == (0,) and posterior.event_shape == (4,)
    assert posterior.mean().shape == (0, 4)
    assert model.elbo(images[:0], seed=1).shape == (0,)


def test_samples_are_of_latents_of_the_prior(model):
    latent = example_normals(kp.example_seeds(2, 3), [4])
    expected = model.decode(latent, kp.example_seeds(2, 3))
    np.testing.assert_array_equal(model.sample(3, seed=2), expected)
    assert model.sample(3, seed=2).shape == (3, *SHAPE)


def test_equal_images_have_equal_seeds_and_others_others():
    images = all_images((1, 3, 1), 2)
    seeds = image_seeds(tf.constant(images)).numpy()
    assert len(set(seeds)) == 8
    np.testing.assert_array_equal(image_seeds(tf.constant(images[3:5])), seeds[3:5])


# Errors.


def test_what_is_only_a_bound_is_not_called_log_prob(model, images):
    with pytest.raises(ValueError, match=r"Use elbo.*importance_weighted_log_prob"):
        model.log_prob(images)


def test_a_latent_that_is_a_function_has_no_bounds_and_no_prior(images):
    model = new_autoencoder()
    for call in (
        lambda: model.elbo(images),
        lambda: model.importance_weighted_log_prob(images),
        lambda: model.posterior(images),
        lambda: model.sample(2),
    ):
        with pytest.raises(ValueError, match=r"of models with beta above 0.*beta=0"):
            call()


@pytest.mark.parametrize("num_samples", [0, 1.5])
def test_a_number_of_draws_that_is_none_is_told(num_samples, model, images):
    with pytest.raises(ValueError, match="num_samples must be an integer of at least"):
        model.elbo(images, num_samples)
