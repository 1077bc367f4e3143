"""Tests of the maps of surprise."""

import numpy as np
import pytest

from keras_pixelcnn import anomaly


def test_surprise_is_averaged_over_a_square():
    nats = -np.random.default_rng(0).random((2, 5, 6, 3))
    found = anomaly.surprise_map(nats, 3)
    for row, column in ((2, 3), (0, 0), (4, 5), (0, 2)):
        around = slice(max(row - 1, 0), row + 2), slice(max(column - 1, 0), column + 2)
        expected = -nats[1][around].sum() / 9
        assert found[1, row, column] == pytest.approx(expected)
    single = anomaly.surprise_map(nats.astype("float32"), 1)
    np.testing.assert_allclose(single, -nats.sum(-1), rtol=1e-6)
    assert single.dtype == np.float64


@pytest.mark.parametrize("size", [0, 2, 3.0])
def test_a_square_has_a_middle(size):
    with pytest.raises(ValueError, match=f"odd integer.*Received: {size}"):
        anomaly.surprise_map(np.zeros((1, 5, 5, 1)), size)


def test_sums_of_images_make_no_map():
    with pytest.raises(ValueError, match=r"reduce=False\) gives them.*\(3,\)"):
        anomaly.surprise_map(np.zeros(3))


def test_light_is_surprising_on_one_scale():
    surprise = np.zeros((2, 4, 4))
    surprise[0, 1, 1], surprise[1, 2, 2], surprise[1, 3, 3] = 4.0, 2.0, np.inf
    colors = anomaly.heat_map(surprise, highest=4.0)
    assert colors.shape == (2, 4, 4, 3) and colors.dtype == np.uint8
    brightness = colors.astype(int).sum(-1)
    assert brightness[0, 0, 0] < 20
    assert brightness[0, 0, 0] < brightness[1, 2, 2] < brightness[0, 1, 1]
    assert brightness[1, 3, 3] == brightness[0, 1, 1] == brightness.max()
    np.testing.assert_array_equal(
        anomaly.heat_map(surprise[:1])[0, 1, 1], colors[0, 1, 1]
    )
    assert anomaly.heat_map(np.zeros((1, 2, 2))).max() < 20
    with pytest.raises(ValueError, match="highest must be above 0"):
        anomaly.heat_map(surprise, 0)
