import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.layers import GatedActivation
from tests.test_case import check_layer


@pytest.mark.parametrize("groups", [1, 2, 3])
def test_multiplies_tanh_and_sigmoid_of_different_features(groups):
    inputs = tf.random.normal([2, 3, 4, 12])
    halves = inputs.numpy().reshape(2, 3, 4, groups, 2, 6 // groups)
    expected = np.tanh(halves[..., 0, :]) / (1 + np.exp(-halves[..., 1, :]))
    outputs = GatedActivation(color_groups=groups)(inputs)
    np.testing.assert_allclose(outputs, expected.reshape(2, 3, 4, 6), atol=1e-6)


@pytest.mark.parametrize("groups", [1, 3])
def test_standard_checks(groups):
    check_layer(GatedActivation(color_groups=groups), tf.random.normal([2, 3, 3, 12]))


@pytest.mark.parametrize(("features", "groups"), [(5, 1), (6, 2), (9, 3)])
def test_refuses_groups_that_cannot_be_halved(features, groups):
    with pytest.raises(ValueError, match=f"multiple of {2 * groups}"):
        GatedActivation(color_groups=groups)(tf.zeros([1, 2, 2, features]))
