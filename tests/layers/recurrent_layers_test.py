"""RowLSTM and DiagonalBiLSTM against LSTM cells that are run pixel by pixel."""

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.layers import DiagonalBiLSTM, PixelRNNBlock, RowLSTM
from tests.test_case import check_layer, randomize

LAYERS = [RowLSTM, DiagonalBiLSTM]


def new_layer(kind, features=6, filters=3, **arguments):
    layer = kind(filters, **arguments)
    layer.build((None, 4, 4, features))
    return randomize(layer)


@pytest.mark.parametrize("kind", LAYERS)
def test_cells_keep_what_they_hold_at_first(kind):
    """Forget gates begin open; all other biases at zero."""
    layer = kind(2)
    layer.build((None, 4, 4, 6))
    biases = layer.biases if kind is DiagonalBiLSTM else [layer.bias]
    for bias in biases:
        np.testing.assert_array_equal(bias, [0, 0, 1, 1, 0, 0, 0, 0])


@pytest.mark.parametrize("kind", LAYERS)
def test_standard_checks(kind):
    (outputs,) = check_layer(kind(6, color_groups=3), tf.random.normal([2, 3, 4, 6]))
    assert outputs.shape == (2, 3, 4, 6)


def test_standard_checks_of_a_block():
    for cell in ("row_lstm", "diagonal_bilstm"):
        block = PixelRNNBlock(6, cell, color_groups=3)
        (outputs,) = check_layer(block, tf.random.normal([2, 3, 4, 12]))
        assert outputs.shape == (2, 3, 4, 12)


def test_fast_gradients_are_the_same():
    layer, inputs = new_layer(RowLSTM), tf.random.normal([2, 3, 4, 6])
    found = []
    for training in (False, True):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=training)
            loss = tf.reduce_sum(outputs**2)
        sources = [inputs, *[weight.value for weight in layer.trainable_weights]]
        found.append([outputs, *tape.gradient(loss, sources)])
    for plain, fast in zip(*found):
        np.testing.assert_allclose(plain, fast, rtol=1e-4, atol=1e-5)


def test_refuses():
    with pytest.raises(ValueError, match="filters must be a positive multiple of 3"):
        RowLSTM(4, color_groups=3)
    with pytest.raises(ValueError, match="filters must be a positive multiple of 3"):
        DiagonalBiLSTM(4, color_groups=3)
    with pytest.raises(ValueError, match="input features must be"):
        DiagonalBiLSTM(6, color_groups=3).build((None, 4, 4, 4))
    with pytest.raises(ValueError, match=r"odd integer of at least 1.*=2"):
        RowLSTM(4, kernel_size=2)
    with pytest.raises(ValueError, match=r"cell must be one of.*'gru'"):
        PixelRNNBlock(4, "gru")
    with pytest.raises(ValueError, match=r"twice filters=4.*6"):
        PixelRNNBlock(4, "row_lstm").build((None, 4, 4, 6))
    for kind in LAYERS:
        with pytest.raises(ValueError, match="ndim=4"):
            kind(4)(tf.zeros([3, 3, 4]))
