"""The usual network is ours with closed taps, so that only the way differs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from benchmarks.usual_network import usual_network
from tests.test_case import random_images, randomize

ARGUMENTS = {"num_blocks": 3, "kernel_size": 5, "num_levels": 6, "first_kernel_size": 3}


def our_convolutions(model):
    """By the names that the usual network gives them."""
    for index, block in enumerate(model.blocks):
        yield f"vertical_{index}", block.vertical_conv
        yield f"link_{index}", block.link
        yield f"horizontal_{index}", block.horizontal_conv
        yield f"skip_{index}", block.skip
        if block.residual is not None:
            yield f"residual_{index}", block.residual
    yield "head", model.head
    yield "logits", model.parameters


def copy_weights(ours, theirs):
    """Puts our cropped kernel into a full one; what the mask closes is noise."""
    kernel = ours.kernel.numpy()
    full = np.random.default_rng(0).normal(size=theirs.kernel.shape)
    rows, columns = kernel.shape[:2]
    centre_row, centre_column = (size // 2 for size in full.shape[:2])
    if isinstance(ours, kp.layers.VerticalStackConv2D):
        full[:rows, :columns] = kernel
    elif isinstance(ours, kp.layers.HorizontalStackConv2D):
        full[centre_row, :columns] = kernel[0]
    else:
        full[centre_row, centre_column] = kernel[0, 0]
    theirs.kernel.assign(full)
    if theirs.use_bias:
        theirs.bias.assign(ours.bias)


@pytest.mark.parametrize("full_kernels", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_same_weights_same_logits(channels, full_kernels):
    shape = (7, 6, channels)
    ours = randomize(kp.GatedPixelCNN(shape, filters=6, **ARGUMENTS))
    theirs = usual_network(shape, 6, **ARGUMENTS, full_kernels=full_kernels)
    for name, layer in our_convolutions(ours):
        copy_weights(layer, theirs.get_layer(name))
    convolutions = [layer for layer in theirs.layers if hasattr(layer, "kernel")]
    assert len(convolutions) == len(list(our_convolutions(ours)))
    images = tf.constant(random_images(ours, 3), tf.int32)
    expected = ours(images, training=False)
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(theirs(images), expected, rtol=1e-3, atol=1e-3)

    open_weights = sum(
        np.count_nonzero(layer.kernel * getattr(layer, "mask", 1.0))
        for layer in convolutions
    )
    assert ours.flops() == 2 * 7 * 6 * open_weights


def test_its_masks_are_applied_in_every_call():
    """Also after a step of training, and not by an optimiser."""
    model = usual_network((5, 4, 1), 4, **ARGUMENTS)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    images = np.random.default_rng(0).integers(0, 6, (2, 5, 4, 1))
    model.train_on_batch(images, images)
    changed = images.copy()
    changed[:, 2, 1:] = (changed[:, 2, 1:] + 1) % 6
    changed[:, 3:] = (changed[:, 3:] + 1) % 6
    before, after = model(images).numpy(), model(changed).numpy()
    np.testing.assert_array_equal(after[:, :2], before[:, :2])
    np.testing.assert_array_equal(after[:, 2, :2], before[:, 2, :2])
    assert np.all(np.ptp(after - before, axis=-1)[:, 3:] > 0)
