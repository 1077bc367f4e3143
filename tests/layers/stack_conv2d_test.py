import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.layers import HorizontalStackConv2D, VerticalStackConv2D
from tests.test_case import check_layer

SIZES = [(1, 1), (1, 9), (5, 3), (8, 8), (9, 1)]


def with_bias(layer, inputs):
    layer(inputs)
    layer.bias.assign(tf.random.normal(layer.bias.shape))
    return layer


def full_convolution(inputs, kernel, bias, row, column):
    """The usual convolution with the cropped kernel put at (row, column)."""
    half = max(-row, -column)
    full = np.zeros((2 * half + 1, 2 * half + 1, *kernel.shape[2:]), "float32")
    top, left = half + row, half + column
    full[top : top + kernel.shape[0], left : left + kernel.shape[1]] = kernel
    return tf.nn.conv2d(inputs, full, 1, "SAME") + bias


@pytest.mark.parametrize("kernel_size", [3, 5, 7])
@pytest.mark.parametrize("mask_type", ["A", "B"])
def test_vertical_equals_a_shifted_convolution(kernel_size, mask_type):
    for size in SIZES:
        inputs = tf.random.normal([2, *size, 3])
        layer = with_bias(VerticalStackConv2D(4, kernel_size, mask_type), inputs)
        half = kernel_size // 2
        assert layer.kernel.shape[:2] == (half + (mask_type == "B"), kernel_size)
        expected = full_convolution(
            inputs, layer.kernel.numpy(), layer.bias, -half, -half
        )
        np.testing.assert_allclose(layer(inputs), expected, atol=1e-4)


@pytest.mark.parametrize("kernel_size", [3, 5, 7])
@pytest.mark.parametrize("mask_type", ["A", "B"])
@pytest.mark.parametrize("groups", [1, 3])
def test_horizontal_equals_a_masked_convolution(kernel_size, mask_type, groups):
    for size in SIZES:
        inputs = tf.random.normal([2, *size, 3])
        layer = HorizontalStackConv2D(6, kernel_size, mask_type, color_groups=groups)
        layer = with_bias(layer, inputs)
        half, kernel = kernel_size // 2, layer.kernel.numpy()
        if mask_type == "A" and groups == 1:
            assert kernel.shape[1] == half  # no tap for what is never seen
        else:
            assert kernel.shape[1] == half + 1
            for feature in range(6):
                group = feature * groups // 6 + (mask_type == "B")
                kernel[0, -1, group * 3 // groups :, feature] = 0
        expected = full_convolution(inputs, kernel, layer.bias, 0, -half)
        np.testing.assert_allclose(layer(inputs), expected, atol=1e-4)


@pytest.mark.parametrize("kernel_size", [3, 5])
@pytest.mark.parametrize("mask_type", ["A", "B"])
def test_vertical_row_steps_equal_whole(kernel_size, mask_type):
    for size in SIZES:
        inputs = tf.random.normal([4, *size, 3])
        layer = with_bias(VerticalStackConv2D(4, kernel_size, mask_type), inputs)
        steps = layer.row_steps()
        # Two slices of two examples; a row has its columns before the examples.
        sliced = tf.transpose(tf.reshape(inputs, [2, 2, *size, 3]), [2, 0, 3, 1, 4])
        cache = steps.initial_cache(2, size[1], 2)
        row, outputs = tf.zeros_like(sliced[0]), []
        for index in range(size[0]):
            if mask_type == "B":
                row = sliced[index]
            output, cache = steps(row, cache)
            outputs.append(output)
            row = sliced[index]
        outputs = tf.transpose(tf.stack(outputs), [1, 3, 0, 2, 4])
        outputs = tf.reshape(outputs, [4, *size, 4])
        np.testing.assert_allclose(outputs, layer(inputs), atol=1e-5)


@pytest.mark.parametrize("kernel_size", [3, 5])
@pytest.mark.parametrize("mask_type", ["A", "B"])
@pytest.mark.parametrize("groups", [1, 2, 3])
def test_horizontal_pixel_steps_equal_whole(kernel_size, mask_type, groups):
    for width in [1, 3, 9]:
        inputs = tf.random.normal([2, 1, width, 6])
        layer = HorizontalStackConv2D(12, kernel_size, mask_type, color_groups=groups)
        layer = with_bias(layer, inputs)
        steps = layer.pixel_steps()
        left, outputs = [tf.zeros([2, 6])] * steps.num_taps, []
        for column in range(width):
            pixel = tf.split(inputs[:, 0, column], groups, axis=-1)
            seen = range(groups) if mask_type == "A" else range(1, groups + 1)
            outputs.append(tf.concat([steps(pixel[:n], left) for n in seen], -1))
            left = [*left, inputs[:, 0, column]][1:]
        outputs = tf.stack(outputs, 1) + layer.bias
        np.testing.assert_allclose(outputs, layer(inputs)[:, 0], atol=1e-5)


def test_kernel_size_1_sees_its_own_row_or_pixel():
    inputs = tf.random.normal([2, 3, 4, 3])
    for layer in (VerticalStackConv2D(2, 1, "B"), HorizontalStackConv2D(2, 1, "B")):
        outputs = layer(inputs)
        expected = tf.einsum("bhwi,io->bhwo", inputs, layer.kernel[0, 0])
        np.testing.assert_allclose(outputs, expected, atol=1e-5)


@pytest.mark.parametrize("layer_class", [VerticalStackConv2D, HorizontalStackConv2D])
@pytest.mark.parametrize("use_bias", [True, False])
def test_standard_checks(layer_class, use_bias):
    layer = layer_class(4, 5, "B", use_bias=use_bias, bias_initializer="ones")
    (outputs,) = check_layer(layer, tf.random.normal([2, 4, 5, 4]))
    assert outputs.shape == (2, 4, 5, 4)
    assert layer.compute_output_shape((None, 4, 5, 4)) == (None, 4, 5, 4)
    assert len(layer.weights) == 1 + use_bias


@pytest.mark.parametrize("layer_class", [VerticalStackConv2D, HorizontalStackConv2D])
def test_refuses(layer_class):
    with pytest.raises(ValueError, match="mask_type"):
        layer_class(4, 3, "b")
    with pytest.raises(ValueError, match="odd integer of at least 3"):
        layer_class(4, 1, "A")
    with pytest.raises(ValueError, match=r"odd integer of at least 1.*kernel_size=4"):
        layer_class(4, 4, "B")


def test_horizontal_refuses_features_that_the_groups_do_not_divide():
    with pytest.raises(ValueError, match="filters must be a positive multiple of 3"):
        HorizontalStackConv2D(8, 3, "B", color_groups=3)
    with pytest.raises(ValueError, match="input features must be"):
        HorizontalStackConv2D(6, 3, "B", color_groups=3)(tf.zeros([1, 2, 2, 4]))


@pytest.mark.parametrize("layer_class", [VerticalStackConv2D, HorizontalStackConv2D])
@pytest.mark.parametrize("shape", [(6, 6, 2), (1, 2, 6, 6, 2)])
def test_refuses_other_ranks(layer_class, shape):
    """Without a check TensorFlow ends the whole program."""
    with pytest.raises(ValueError, match="ndim=4"):
        layer_class(4, 3, "A")(tf.zeros(shape))
