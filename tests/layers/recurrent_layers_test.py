"""RowLSTM and DiagonalBiLSTM against LSTM cells that are run pixel by pixel."""

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.layers import DiagonalBiLSTM, PixelRNNBlock, RowLSTM
from keras_pixelcnn.layers.diagonal_bilstm import skew, unskew
from keras_pixelcnn.layers.lstm import gates_by_group, gates_of_group
from tests.layers import lstm_reference
from tests.test_case import check_layer, randomize

LAYERS = [RowLSTM, DiagonalBiLSTM]
SIZES = [(1, 1), (1, 6), (5, 1), (3, 5), (6, 4)]


def new_layer(kind, features=6, filters=3, **arguments):
    layer = kind(filters, **arguments)
    layer.build((None, 4, 4, features))
    return randomize(layer)


@pytest.mark.parametrize(("kernel", "groups"), [(1, 1), (3, 3), (5, 1)])
def test_row_lstm_is_that_of_the_paper(kernel, groups):
    for size in SIZES:
        layer = new_layer(RowLSTM, kernel_size=kernel, color_groups=groups)
        inputs = np.random.normal(size=(2, *size, 6)).astype("float32")
        expected = lstm_reference.row_lstm(layer, inputs)
        np.testing.assert_allclose(layer(inputs), expected, atol=1e-5)


@pytest.mark.parametrize("groups", [1, 3])
def test_diagonal_bilstm_is_that_of_the_paper(groups):
    for size in SIZES:
        layer = new_layer(DiagonalBiLSTM, color_groups=groups)
        inputs = np.random.normal(size=(2, *size, 6)).astype("float32")
        expected = lstm_reference.diagonal_bilstm(layer, inputs)
        np.testing.assert_allclose(layer(inputs), expected, atol=1e-5)


def test_diagonal_bilstm_sees_what_is_past_in_each_direction():
    """From the left its own row up to the pixel; from the right the rows above."""
    layer = new_layer(DiagonalBiLSTM)
    inputs = tf.random.normal([1, 4, 5, 6])
    for row, column in np.ndindex(4, 5):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            output = tf.reduce_sum(layer(inputs)[0, row, column] ** 2)
        seen = np.any(tape.gradient(output, inputs)[0] != 0, axis=-1)
        expected = np.zeros((4, 5), bool)
        expected[:row] = True
        expected[row, : column + 1] = True
        np.testing.assert_array_equal(seen, expected)


@pytest.mark.parametrize("kind", LAYERS)
def test_groups_see_those_before_them_at_their_own_pixel(kind):
    layer = new_layer(kind, filters=6, color_groups=3)
    inputs = tf.random.normal([1, 3, 3, 6])
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs)[0, 1, 1]
    seen = tape.jacobian(outputs, inputs)[:, 0, 1, 1].numpy() != 0
    groups = np.arange(6) // 2
    np.testing.assert_array_equal(seen, groups[:, None] >= groups)


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


def test_skewed_rows_begin_one_pixel_further_right():
    values = np.random.normal(size=(2, 3, 4, 5)).astype("float32")
    skewed = skew(tf.constant(values))
    expected = np.zeros((2, 3, 6, 5), "float32")
    for row in range(3):
        expected[:, row, row : row + 4] = values[:, row]
    np.testing.assert_array_equal(skewed, expected)
    np.testing.assert_array_equal(unskew(skewed, 4), values)


def test_gates_by_group():
    """The gates of a group in one piece, as a pixel step takes them."""
    row = tf.random.normal([2, 3, 5, 24])
    by_group = gates_by_group(row, 3)
    assert by_group.shape == (2, 3, 3, 5, 8)
    for group in range(3):
        expected = gates_of_group(row, group, 3)
        np.testing.assert_array_equal(by_group[:, :, group], expected)
    assert gates_by_group(row, 1) is row


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
