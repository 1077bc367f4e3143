"""Distributions see values as they came: no fraction is cut off, no digit lost."""

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.distributions import DiscretizedLogisticMixture

NO_LEVELS = [4.9, -0.5, np.nan, 5.0, np.int64(2**32 + 1), np.uint64(2**64 - 3)]
IDS = [str(value) for value in NO_LEVELS]


@pytest.fixture(scope="module")
def mixture():
    return DiscretizedLogisticMixture([0.0], [[2.0]], [[1.0]], num_levels=5)


def kinds_of(value, shape):
    values = np.full(shape, value)
    yield values
    yield tf.constant(values)
    yield values.tolist()


@pytest.mark.parametrize("value", NO_LEVELS, ids=IDS)
def test_what_is_no_level_has_no_probability(grey, mixture, value):
    for distribution, shape in ((grey.distribution(), (1, 4, 4, 1)), (mixture, (1,))):
        strict = distribution.copy(validate_args=True)
        for values in kinds_of(value, shape):
            assert np.all(distribution.log_prob(values) == -np.inf)
            assert np.all(distribution.prob(values) == 0)
            assert np.all(distribution.unnormalized_log_prob(values) == -np.inf)
            with pytest.raises(tf.errors.InvalidArgumentError, match="must be integer"):
                strict.log_prob(values)


@pytest.mark.parametrize(
    "dtype", ["uint8", "int64", "float16", "float64", "longdouble"]
)
def test_levels_of_any_type(grey, mixture, dtype):
    for distribution, shape in ((grey.distribution(), (1, 4, 4, 1)), (mixture, (1,))):
        right = distribution.log_prob(np.full(shape, 3, "int32"))
        given = distribution.log_prob(np.full(shape, 3, dtype))
        np.testing.assert_array_equal(given, right)


@pytest.mark.parametrize("value", ["a", 1j, None])
def test_what_is_no_number(grey, mixture, value):
    for distribution in (grey.distribution(), mixture):
        with pytest.raises(ValueError, match="value must hold numbers"):
            distribution.log_prob(np.full((1, 4, 4, 1), value))


def test_unseeded_samples_follow_the_seed_of_tensorflow(grey, mixture):
    for sample in (grey.sample, grey.distribution().sample, mixture.sample):
        drawn = []
        for _ in range(2):
            tf.random.set_seed(3)
            drawn.append([sample(20).numpy(), sample(20).numpy()])
        np.testing.assert_array_equal(*drawn)
        assert np.any(drawn[0][0] != drawn[0][1])
