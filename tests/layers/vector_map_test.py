import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.layers.vector_map import (
    NUM_POSITION_FEATURES,
    VectorMap,
    position_features,
)
from tests.test_case import check_layer, randomize


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (8, 8)])
def test_vector_map_standard_checks(size):
    check_layer(VectorMap(size, 6), tf.random.normal([2, 3]))


def test_vector_map_differs_by_place_and_vector():
    layer = VectorMap((8, 8), 6)
    layer.build((None, 3))
    randomize(layer)
    maps = layer(tf.eye(3)).numpy()
    assert maps.shape == (3, 8, 8, 6)
    assert np.ptp(maps, axis=(1, 2)).max(axis=-1).min() > 0.01
    assert np.ptp(maps, axis=0).max() > 0.01


def test_positions_are_told_apart():
    features = position_features((5, 7))
    assert features.shape == (5, 7, NUM_POSITION_FEATURES)
    assert features.dtype == np.float32 and abs(features).max() <= 1
    assert len(np.unique(features.reshape(35, -1).round(5), axis=0)) == 35


def test_positions_do_not_depend_on_the_number_of_pixels():
    """Pixels of a coarse image are as far down and to the right as those they cover."""
    fine = position_features((48, 48)).reshape(16, 3, 16, 3, -1)[:, 1, :, 1]
    np.testing.assert_allclose(fine, position_features((16, 16)), atol=1e-6)
