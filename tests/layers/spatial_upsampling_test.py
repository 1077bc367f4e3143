import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.layers import SpatialUpsampling
from tests.test_case import check_layer


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (4, 4), (8, 8), (9, 20), (3, 8)])
@pytest.mark.parametrize("image_size", [(8, 8), (7, 5), (1, 9)])
def test_reaches_any_size_from_any_size(size, image_size):
    layer = SpatialUpsampling(image_size, 4)
    outputs = layer(tf.random.normal([2, *size, 3]))
    assert outputs.shape == (2, *image_size, 4)


def test_standard_checks():
    check_layer(SpatialUpsampling((7, 5), 4), tf.random.normal([2, 2, 3, 3]))


@pytest.mark.parametrize(
    ("size", "image_size"), [((3, 3), (12, 12)), ((3, 3), (10, 7))]
)
def test_keeps_what_is_where(size, image_size):
    """A corner of the map is seen in that corner of the image, and not opposite."""
    layer = SpatialUpsampling(image_size, 4)
    blank = tf.zeros([1, *size, 2])
    layer(blank)
    for weight in layer.trainable_weights:
        weight.assign(tf.ones_like(weight) / 8)
    corner = np.zeros([1, *size, 2], "float32")
    corner[:, 0, -1] = 1
    change = np.abs(layer(corner) - layer(blank)).sum(axis=(0, 3))
    assert change[0, -1] > 0 and change[-1, 0] == 0
    assert change[0, -1] > change[0, 0]


@pytest.mark.parametrize("size", [(16, 16), (28, 9), (3, 40)])
def test_every_part_of_a_larger_map_counts(size):
    layer = SpatialUpsampling((4, 4), 4)
    maps = tf.ones([1, *size, 1])
    layer(maps)
    for weight in layer.trainable_weights:
        weight.assign(tf.ones_like(weight) / 8)
    with tf.GradientTape() as tape:
        tape.watch(maps)
        outputs = tf.reduce_sum(layer(maps))
    assert np.all(tape.gradient(outputs, maps).numpy() > 0)
