import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.layers import GatedResidualBlock
from keras_pixelcnn.layers.gated_residual_block import concat_elu
from tests.test_case import check_layer


def features(count=4, seed=0):
    return tf.random.stateless_normal([2, 5, 3, count], [seed, 0])


@pytest.mark.parametrize("direction", ["down", "down_right"])
def test_is_the_block_of_the_paper(direction):
    block = GatedResidualBlock(4, direction)
    inputs, shortcut, conditioning = features(), features(8, 1), features(8, 2)
    outputs = block(inputs, shortcut, conditioning)
    hidden = block.first_conv(concat_elu(inputs))
    hidden += concat_elu(shortcut) @ block.shortcut_conv.kernel.value[0, 0]
    hidden = block.second_conv(concat_elu(hidden)) + conditioning
    content, opening = np.split(hidden.numpy(), 2, axis=-1)
    expected = inputs + content / (1 + np.exp(-opening))
    np.testing.assert_allclose(outputs, expected, atol=1e-5)


def test_is_a_layer():
    check_layer(GatedResidualBlock(4, "down"), features())
    check_layer(GatedResidualBlock(4, "down_right", 0.5), features(), features(8, 1))


def test_begins_close_to_the_identity():
    block = GatedResidualBlock(16, "down")
    inputs = features(16)
    change = np.std(block(inputs) - inputs)
    assert 0 < change < 0.2


def test_drops_features_in_training_only():
    block = GatedResidualBlock(4, "down", dropout_rate=0.5)
    inputs = features()
    whole = block(inputs, training=False)
    np.testing.assert_array_equal(block(inputs), whole)
    one, two = (block(inputs, training=True) for _ in range(2))
    assert np.any(one != whole) and np.any(one != two)


def test_refuses():
    with pytest.raises(ValueError, match=r"dropout_rate must be in \[0, 1\).*1.0"):
        GatedResidualBlock(4, "down", dropout_rate=1.0)
    with pytest.raises(ValueError, match=r"must have filters=4 .*\(2, 5, 3, 6\)"):
        GatedResidualBlock(4, "down")(features(6))
