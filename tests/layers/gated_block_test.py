import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.layers import GatedPixelCNNBlock
from tests.test_case import check_layer, randomize

SIZE = (2, 4, 5)


def built_block(mask_type, **kwargs):
    block = GatedPixelCNNBlock(6, 3, mask_type, **kwargs)
    features = kwargs.get("color_groups", 1) if mask_type == "A" else 6
    inputs = [tf.random.normal([*SIZE, features]) for _ in range(2)]
    if mask_type == "A":
        inputs[1] = inputs[0]
    block(*inputs)
    return randomize(block), inputs


def gate(features):
    content, opening = tf.split(features, 2, axis=-1)
    return tf.tanh(content) * tf.sigmoid(opening)


def conditioning_of(block, *size):
    return tf.random.normal([*size, block.conditioning_filters])


@pytest.mark.parametrize("mask_type", ["A", "B"])
def test_conditioning_is_added_inside_both_gates(mask_type):
    """Equation 4: to tanh and to sigmoid, of both stacks, and nowhere else."""
    block, inputs = built_block(mask_type)
    conditioning = conditioning_of(block, SIZE[0], 1, 1)
    before_gate = block.vertical_conv(inputs[0])
    for_vertical, for_horizontal = tf.split(conditioning, 2, axis=-1)
    outputs = block(*inputs, conditioning)
    np.testing.assert_allclose(outputs[0], gate(before_gate + for_vertical), atol=1e-5)
    before_gate = block.horizontal_conv(inputs[1]) + block.link(before_gate)
    skip = block.skip(gate(before_gate + for_horizontal))
    np.testing.assert_allclose(outputs[2], skip, atol=1e-5)


def test_dropout_acts_in_training_only():
    block, inputs = built_block("B", dropout_rate=0.5)
    without = block(*inputs, training=False)
    np.testing.assert_array_equal(without[0], block(*inputs)[0])
    dropped = block(*inputs, training=True)
    share = np.mean(dropped[0].numpy() == 0)
    assert 0.3 < share < 0.7
    assert not np.allclose(dropped[2], without[2])


@pytest.mark.parametrize("skip_only", [True, False])
def test_standard_checks(skip_only):
    block = GatedPixelCNNBlock(
        6, 3, "B", skip_filters=9, color_groups=3, skip_only=skip_only
    )
    outputs = check_layer(block, *[tf.random.normal([*SIZE, 6])] * 2)
    assert [x.shape[-1] for x in outputs] == ([9] if skip_only else [6, 6, 9])
    conditioning = conditioning_of(block, 2, 1, 1)
    check_layer(block, *[tf.random.normal([*SIZE, 6])] * 2, conditioning)


def test_refuses():
    with pytest.raises(ValueError, match="filters must be a positive multiple of 3"):
        GatedPixelCNNBlock(8, 3, "B", color_groups=3)
    with pytest.raises(ValueError, match="must have filters=6 features"):
        GatedPixelCNNBlock(6, 3, "B")(tf.zeros([1, 2, 2, 4]), tf.zeros([1, 2, 2, 4]))
