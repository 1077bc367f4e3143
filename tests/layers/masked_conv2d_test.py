import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.layers import MaskedConv2D
from keras_pixelcnn.layers.masked_conv2d import MaskedProduct
from tests.test_case import check_layer


def test_standard_checks():
    layer = MaskedConv2D(6, 3, "A", color_groups=3, kernel_initializer="he_normal")
    (outputs,) = check_layer(layer, tf.random.normal([2, 4, 5, 3]))
    assert outputs.shape == (2, 4, 5, 6)


def test_kernel_is_not_mutated_by_the_forward_pass():
    layer = MaskedConv2D(4, 3, "A")
    layer.build((None, 5, 5, 1))
    before = layer.kernel.numpy()
    layer(tf.ones([1, 5, 5, 1]))
    np.testing.assert_array_equal(layer.kernel.numpy(), before)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((4, 3, "C"), 'mask_type must be "A"'),
        ((4, 2, "A"), "kernel_size must be an odd integer"),
        ((4, 3, "A", 3), "filters must be a positive multiple of 3"),
        ((0, 3, "A"), "filters must be a positive multiple of 1"),
    ],
)
def test_refuses(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        MaskedConv2D(*arguments)


def test_refuses_input_that_the_groups_do_not_divide():
    with pytest.raises(ValueError, match="input features must be"):
        MaskedConv2D(6, 3, "B", color_groups=3).build((None, 4, 4, 4))


def test_refuses_group_steps_of_large_kernels():
    layer = MaskedConv2D(4, 3, "B")
    layer.build((None, 4, 4, 2))
    with pytest.raises(ValueError, match="kernel_size 1"):
        layer.group_steps()


@pytest.mark.parametrize("name", ["strides", "dilation_rate", "groups", "padding"])
def test_refuses_what_would_change_the_mask_or_the_size(name):
    with pytest.raises(ValueError, match=f"cannot take.*{name}"):
        MaskedConv2D(4, 3, "A", **{name: 2})


def test_ignores_the_global_data_format():
    inputs = tf.random.normal([1, 3, 5, 2])
    layer = MaskedConv2D(4, 3, "B")
    expected = layer(inputs)
    keras.config.set_image_data_format("channels_first")
    try:
        copy = MaskedConv2D(4, 3, "B")
        copy.build(inputs.shape)
    finally:
        keras.config.set_image_data_format("channels_last")
    copy.set_weights(layer.get_weights())
    np.testing.assert_array_equal(copy(inputs), expected)


@pytest.mark.parametrize("color_groups", [1, 3])
@pytest.mark.parametrize("training", [False, True])
def test_product_equals_convolution_with_its_gradients(color_groups, training):
    inputs = tf.random.normal([2, 3, 4, 6])
    product = MaskedProduct(12, color_groups, bias_initializer="he_normal")
    check_layer(product, inputs)
    convolution = MaskedConv2D(12, 1, "B", color_groups)
    convolution.build(inputs.shape)
    convolution.set_weights(product.get_weights())
    found = []
    for layer in (product, convolution):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=training)
            loss = tf.reduce_sum(outputs**2)
        sources = [inputs, layer.kernel.value, layer.bias.value]
        found.append([outputs, *tape.gradient(loss, sources)])
    for one, other in zip(*found):
        np.testing.assert_allclose(one, other, atol=1e-4)
    assert outputs.shape == (2, 3, 4, 12)
