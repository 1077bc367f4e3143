import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.layers import MaskedConv2D, PixelCNNBlock
from tests.test_case import check_layer


@pytest.mark.parametrize("color_groups", [1, 3])
def test_standard_checks(color_groups):
    block = PixelCNNBlock(6, 3, color_groups, dropout_rate=0.5)
    inputs, conditioning = (
        tf.random.normal([2, 4, 5, 12]),
        tf.random.normal([2, 1, 1, 6]),
    )
    (outputs,) = check_layer(block, inputs, conditioning)
    assert outputs.shape == inputs.shape
    assert np.any(outputs != block(inputs))
    assert np.any(block(inputs, training=True) != block(inputs))


@pytest.mark.parametrize("training", [False, True])
def test_large_kernels_have_the_gradients_of_a_plain_convolution(training):
    layer = MaskedConv2D(4, 5, "B")
    inputs = tf.random.normal([2, 4, 6, 3])
    layer.build(inputs.shape)
    layer.bias.assign(tf.random.normal([4]))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        outputs = layer(inputs, training=training)
        kernel = tf.pad(layer.kernel * layer.mask, [[0, 2], [0, 0], [0, 0], [0, 0]])
        plain = tf.nn.conv2d(inputs, kernel, 1, "SAME") + layer.bias
        losses = [tf.reduce_sum(x**2) for x in (outputs, plain)]
    sources = [inputs, layer.kernel.value, layer.bias.value]
    ours, theirs = (tape.gradient(loss, sources) for loss in losses)
    np.testing.assert_allclose(outputs, plain, atol=1e-5)
    for one, other in zip(ours, theirs):
        np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((4, 3, 3), "filters must be a positive multiple of 3"),
        ((4, 1), "kernel_size must be an odd integer of at least 3"),
        ((4, 3, 1, 1.5), "dropout_rate must be in"),
    ],
)
def test_refuses(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        PixelCNNBlock(*arguments)


def test_refuses_another_number_of_features():
    with pytest.raises(ValueError, match="2 x filters=8 features"):
        PixelCNNBlock(4, 3).build((None, 4, 4, 4))
