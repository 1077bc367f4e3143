"""What layers count is what gradients find: each open pair of input and output."""

import math

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.layers import (
    ConditionEncoder,
    GateConditioning,
    GatedPixelCNNBlock,
    HorizontalStackConv2D,
    MaskedConv2D,
    SpatialUpsampling,
    VerticalStackConv2D,
)

SIZE = 9  # the centre's kernels then lie inside of the image


def open_pairs(layer, features):
    """Pairs of an output feature of the centre and an input that it depends on."""
    images = tf.random.stateless_normal([1, SIZE, SIZE, features], seed=[1, 2])
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = layer(images)[0, SIZE // 2, SIZE // 2]
    return np.count_nonzero(tape.jacobian(outputs, images))


@pytest.mark.parametrize("color_groups", [1, 3])
@pytest.mark.parametrize("mask_type", ["A", "B"])
@pytest.mark.parametrize("kernel_size", [3, 5])
@pytest.mark.parametrize("kind", [MaskedConv2D, HorizontalStackConv2D])
def test_open_taps_of_masked_layers(kind, kernel_size, mask_type, color_groups):
    layer = kind(12, kernel_size, mask_type, color_groups=color_groups)
    pairs = open_pairs(layer, 6)
    assert layer.multiply_adds((None, 4, 7, 6)) == 4 * 7 * pairs > 0


@pytest.mark.parametrize("mask_type", ["A", "B"])
@pytest.mark.parametrize("kernel_size", [3, 5])
def test_open_taps_of_the_vertical_stack(kernel_size, mask_type):
    layer = VerticalStackConv2D(4, kernel_size, mask_type)
    pairs = open_pairs(layer, 3)
    assert layer.multiply_adds((None, 4, 7, 3)) == 4 * 7 * pairs > 0


def test_a_block_without_outputs_of_its_stacks_has_no_residual():
    shape, counts = (None, 4, 5, 6), []
    for skip_only in (False, True):
        block = GatedPixelCNNBlock(6, 3, "B", color_groups=3, skip_only=skip_only)
        block.build(shape, shape)
        counts.append(block.multiply_adds(shape, shape))
    assert counts[0] - counts[1] == 4 * 5 * (2 * 2 + 4 * 2 + 6 * 2)


def test_vectors_count_once_and_maps_at_each_pixel():
    shapes = {"label": (None, 10), "spatial": (None, 4, 5, 3)}
    layer = GateConditioning(8)
    layer.build(shapes)
    assert layer.multiply_adds(*shapes.values()) == 10 * 8 + 4 * 5 * 3 * 8


def test_upsampling_counts_each_tap_at_each_input():
    layer = SpatialUpsampling((8, 4), 6)
    shape = (None, 2, 4, 3)
    layer.build(shape)
    first, second = 2 * 4 * math.prod((4, 3, 3, 6)), 4 * 4 * math.prod((4, 3, 6, 6))
    assert layer.multiply_adds(shape) == first + second
    encoder = ConditionEncoder((8, 4), num_classes=3, map_filters=6)
    assert encoder.multiply_adds((None,)) == 0
    encoder.build({"spatial": shape})
    assert encoder.multiply_adds(shape) == first + second
