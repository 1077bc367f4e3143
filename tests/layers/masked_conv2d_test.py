import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.layers import MaskedConv2D
from keras_pixelcnn.layers.masked_conv2d import GroupSteps, MaskedProduct
from tests.test_case import check_layer


def gradient_of_centre(layer, features=6, size=5):
    """Which inputs each output feature of the centre pixel depends on."""
    images = tf.random.stateless_normal([1, size, size, features], seed=[1, 2])
    seen = []
    for feature in range(layer.filters):
        with tf.GradientTape() as tape:
            tape.watch(images)
            output = layer(images)[0, size // 2, size // 2, feature]
        seen.append(tape.gradient(output, images)[0].numpy() != 0)
    return np.array(seen)


@pytest.mark.parametrize("mask_type", ["A", "B"])
@pytest.mark.parametrize("color_groups", [1, 2, 3])
def test_sees_exactly_what_comes_before(mask_type, color_groups):
    layer = MaskedConv2D(12, 3, mask_type, color_groups=color_groups)
    seen = gradient_of_centre(layer)
    expected = np.zeros_like(seen)
    expected[:, 1, 1:4] = True
    expected[:, 2, 1] = True
    for feature in range(12):
        group = feature * color_groups // 12 + (mask_type == "B")
        expected[feature, 2, 2, : group * 6 // color_groups] = True
    np.testing.assert_array_equal(seen, expected)


def test_standard_checks():
    layer = MaskedConv2D(6, 3, "A", color_groups=3, kernel_initializer="he_normal")
    (outputs,) = check_layer(layer, tf.random.normal([2, 4, 5, 3]))
    assert outputs.shape == (2, 4, 5, 6)


def test_equals_convolution_with_masked_kernel():
    layer = MaskedConv2D(4, 3, "B")
    inputs = tf.random.normal([2, 5, 6, 3])
    outputs = layer(inputs)
    kernel = np.zeros((3, 3, 3, 4), "float32")
    kernel[:2] = layer.kernel  # nothing is stored for the row below
    kernel[1, 2:] = 0
    expected = keras.ops.conv(inputs, kernel, padding="same")
    np.testing.assert_allclose(outputs, expected, atol=1e-5)


def test_kernel_is_not_mutated_by_the_forward_pass():
    layer = MaskedConv2D(4, 3, "A")
    layer.build((None, 5, 5, 1))
    before = layer.kernel.numpy()
    layer(tf.ones([1, 5, 5, 1]))
    np.testing.assert_array_equal(layer.kernel.numpy(), before)


@pytest.mark.parametrize("color_groups", [1, 2, 3])
def test_group_steps_equal_whole(color_groups):
    layers = [MaskedConv2D(6, 1, "B", color_groups=color_groups) for _ in range(2)]
    inputs = [tf.random.normal([4, 1, 1, 12]) for _ in layers]
    for layer in layers:
        layer.build((None, 1, 1, 12))
        layer.bias.assign(tf.random.normal([6]))
    expected = sum(layer(x) for layer, x in zip(layers, inputs))[:, 0, 0]
    steps = GroupSteps(layers)
    pixels = [tf.split(x[:, 0, 0], color_groups, axis=-1) for x in inputs]
    outputs = [
        steps(*(groups[: group + 1] for groups in pixels))
        for group in range(color_groups)
    ]
    np.testing.assert_allclose(tf.concat(outputs, -1), expected, atol=1e-5)


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
