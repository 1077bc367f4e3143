"""The discretised mixture of logistics as a TensorFlow Probability distribution."""

import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.distributions import DiscretizedLogisticMixture
from tests.test_case import all_images, check_counts


def random_distribution(batch_shape=(), num_levels=4, channels=3, components=2):
    generator = np.random.default_rng(0)
    pairs = channels * (channels - 1) // 2
    shape = (*batch_shape, components)
    return DiscretizedLogisticMixture(
        generator.normal(size=shape),
        generator.uniform(-0.5, num_levels, (*shape, channels)),
        np.exp(generator.normal(size=(*shape, channels)) - 0.5),
        generator.normal(size=(*shape, pairs)),
        num_levels=num_levels,
    )


def pixels(distribution):
    """All pixels, (count, channels), and their probabilities."""
    channels = distribution.event_shape[0]
    values = all_images((1, 1, channels), distribution.num_levels).reshape(-1, channels)
    return values, np.exp(distribution.log_prob(values).numpy().astype("float64"))


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_probabilities_sum_to_1(channels):
    _, probabilities = pixels(random_distribution(channels=channels))
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_a_mean_is_refused():
    with pytest.raises(NotImplementedError, match="mean is not implemented"):
        random_distribution().mean()


def test_sample_counts_match_log_prob():
    distribution = random_distribution()
    drawn = distribution.sample(20_000, seed=1)
    assert drawn.dtype == tf.int32 and drawn.shape == (20_000, 3)
    check_counts(drawn, 4, pixels(distribution)[1])


def test_batches_broadcast():
    distribution = random_distribution((2, 5))
    assert distribution.batch_shape == (2, 5) and distribution.event_shape == (3,)
    drawn = distribution.sample((6, 4), seed=1)
    assert drawn.shape == (6, 4, 2, 5, 3)
    nats = distribution.log_prob(drawn)
    assert nats.shape == (6, 4, 2, 5)
    one = distribution[1, 2]
    assert one.batch_shape == ()
    np.testing.assert_allclose(
        one.log_prob(drawn[:, :, 1, 2]), nats[:, :, 1, 2], rtol=1e-5
    )
    np.testing.assert_array_equal(drawn[:2], distribution.sample((2, 4), seed=1))
    mixed = DiscretizedLogisticMixture(
        tf.zeros([4, 1, 2]), tf.zeros([3, 2, 1]), tf.ones([2, 1]), num_levels=5
    )
    assert mixed.batch_shape == (4, 3) and mixed.sample(2, seed=1).shape == (2, 4, 3, 1)
    assert mixed.log_prob([3]).shape == (4, 3)


def test_coefficients_move_later_channels():
    """From the middle level, 2 of 0 to 4."""
    narrow = {"logits": [0.0], "loc": [[2.0, 2.0]], "scale": [[1.0, 0.01]]}
    distribution = DiscretizedLogisticMixture(
        **narrow, coefficients=[[-1.0]], num_levels=5
    )
    drawn = distribution.sample(50, seed=1).numpy()
    np.testing.assert_array_equal(drawn[:, 1], 4 - drawn[:, 0])
    alone = DiscretizedLogisticMixture(**narrow, num_levels=5)
    assert np.all(alone.sample(50, seed=1).numpy()[:, 1] == 2)


@pytest.mark.parametrize("log_scale", [-50.0, 0.0, 20.0])
def test_is_exact_at_every_scale(log_scale):
    parameters = [tf.Variable([[3.2]]), tf.Variable([[log_scale]])]
    distribution = DiscretizedLogisticMixture(
        [0.0], parameters[0], log_scale=parameters[1], num_levels=8
    )
    with tf.GradientTape() as tape:
        nats = distribution.log_prob(tf.range(8)[:, tf.newaxis])
    for gradient in tape.gradient(nats, parameters):  # variables are followed
        assert np.all(np.isfinite(gradient))
    assert np.exp(nats).sum() == pytest.approx(1, abs=1e-5)
    by_scale = DiscretizedLogisticMixture(
        [0.0], [[3.2]], np.exp([[log_scale]]), num_levels=8
    )
    np.testing.assert_allclose(by_scale.log_prob(tf.range(8)[:, None]), nats, rtol=1e-5)


def test_of_pixels_is_the_models_own():
    likelihood = kp.likelihoods.LogisticMixture(16, 3, 4)
    parameters = tf.random.stateless_normal([2, 3, 1, *likelihood.pixel_shape], [1, 2])
    distribution = DiscretizedLogisticMixture.of_pixels(likelihood, parameters)
    assert distribution.batch_shape == (2, 3, 1)
    values = distribution.sample(seed=3)
    np.testing.assert_allclose(
        distribution.log_prob(values),
        likelihood.log_prob(parameters, values),
        rtol=1e-4,
    )
    with pytest.raises(TypeError, match="Received: Categorical"):
        DiscretizedLogisticMixture.of_pixels(kp.likelihoods.Categorical(16), parameters)


def test_of_pixels_keeps_the_digits_that_float32_has_not():
    """Sharp components on the edge between two of very many levels."""
    likelihood = kp.likelihoods.LogisticMixture(65_536, 2, 1)
    parameters = np.random.default_rng(0).uniform(-0.9, 0.9, (50, 6)).astype("float32")
    parameters[:, 3:5] = -50
    values = likelihood.mixture(parameters).loc[:, 0].numpy()
    values = np.round(np.tile(values, 2)).astype(int).clip(0, 65_535)
    distribution = DiscretizedLogisticMixture.of_pixels(likelihood, parameters)
    np.testing.assert_allclose(
        distribution.log_prob(values),
        likelihood.log_prob(parameters, values),
        rtol=1e-5,
        atol=2e-6,
    )


def test_leaves_a_graph_as_a_composite_tensor():
    distribution = random_distribution((2,))

    @tf.function
    def same(given):
        return given, given.sample(3, seed=(1, 2))

    returned, drawn = same(distribution)
    np.testing.assert_array_equal(drawn, returned.sample(3, seed=(1, 2)))


def test_values_that_are_no_level():
    distribution = random_distribution(channels=2)
    nats = distribution.log_prob([[-1, 0], [0, 4], [0.5, 1], [3, 0]])
    assert np.isneginf(nats).tolist() == [True, True, True, False]
    checking = distribution.copy(validate_args=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match="integers in"):
        checking.log_prob([0, 4])


def test_refuses():
    with pytest.raises(ValueError, match=r"logits must be \(..., K\)"):
        DiscretizedLogisticMixture([0.0, 1.0], [[1.0]], [[1.0]])
    with pytest.raises(ValueError, match="Exactly one of scale and log_scale"):
        DiscretizedLogisticMixture([0.0], [[1.0]])
    with pytest.raises(ValueError, match=r"coefficients must be \(..., K, 1\)"):
        DiscretizedLogisticMixture([0.0], [[1.0, 1.0]], [[1.0, 1.0]], [[0.0, 0.0]])
    for logits, loc, scale in [
        (0.0, [[1.0]], [[1.0]]),
        ([0.0], [1.0], [[1.0]]),
        ([0.0], [[1.0]], 1.0),
    ]:
        with pytest.raises(ValueError, match=r"logits must be \(..., K\)"):
            DiscretizedLogisticMixture(logits, loc, scale)
    two = DiscretizedLogisticMixture([0.0], [[1.0, 1.0]], [[1.0, 1.0]])
    for value in (3, [3], [3, 3, 3]):
        with pytest.raises(ValueError, match=r"value must have the shape \(..., 2\)"):
            two.log_prob(value)
    for num_levels in (True, 1):
        with pytest.raises(ValueError, match="num_levels must be an integer from 2"):
            DiscretizedLogisticMixture([0.0], [[1.0]], [[1.0]], num_levels=num_levels)


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan])
def test_scales_that_are_not_above_0_are_told_where_arguments_are_checked(scale):
    arguments = {"logits": [0.0], "loc": [[1.0]], "validate_args": True}
    with pytest.raises(tf.errors.InvalidArgumentError, match="scale must be above 0"):
        DiscretizedLogisticMixture(**arguments, scale=[[scale]])
    variable = tf.Variable([[1.0]])
    distribution = DiscretizedLogisticMixture(**arguments, scale=variable)
    distribution.log_prob([1])
    variable.assign([[scale]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="scale must be above 0"):
        distribution.log_prob([1])
