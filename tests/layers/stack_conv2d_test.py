import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.layers import HorizontalStackConv2D, VerticalStackConv2D
from tests.test_case import check_layer


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
