import math

import keras
import numpy as np
import pytest

from keras_pixelcnn import BitsPerDim, bits_per_dim


def test_bits_per_dim():
    assert bits_per_dim(-10 * math.log(2), 5) == pytest.approx(2)
    np.testing.assert_allclose(bits_per_dim(np.log([0.5, 0.25]), 1), [1, 2])


def test_images_count_alike_whatever_their_batch():
    metric = BitsPerDim(num_dims=4)
    values = np.random.default_rng(0).normal(-50, 10, 7).astype("float32")
    for batch in (values[:3], values[3:6], values[6:]):
        metric.update_state(batch)
    expected = -values.mean() / (4 * math.log(2))
    assert float(metric.result()) == pytest.approx(expected, rel=1e-6)
    metric.reset_state()
    metric.update_state(values[:1])
    expected = -values[0] / (4 * math.log(2))
    assert float(metric.result()) == pytest.approx(expected, rel=1e-6)


def test_round_trip():
    config = keras.saving.serialize_keras_object(BitsPerDim(num_dims=9))
    metric = keras.saving.deserialize_keras_object(config)
    assert metric.num_dims == 9 and metric.name == "bits_per_dim"
