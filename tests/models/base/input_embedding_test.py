"""Models whose pixel values go in as learned vectors, such as the codes of a VQ-VAE."""

import numpy as np
import pytest

import keras_pixelcnn as kp
from tests import test_case
from tests.test_case import random_images, randomize

pytestmark = pytest.mark.op_by_op

SHAPE, LEVELS = (3, 4, 2), 5


def new_gated(shape=SHAPE, levels=LEVELS, num_blocks=2):
    model = kp.GatedPixelCNN(
        shape,
        levels,
        filters=8,
        num_blocks=num_blocks,
        first_kernel_size=3,
        head_filters=32,
        input_encoding="embedding",
        input_embedding_dim=3,
    )
    return randomize(model)


@pytest.fixture(scope="module")
def gated():
    return new_gated()


def changes(model, count=4):
    """Which channels' logits change with which values: values have no gradient."""
    dims = model.num_dims
    changed = np.zeros((dims, dims), bool)
    for image in random_images(model, count):
        one_other = np.repeat(image.reshape(1, dims), dims, axis=0)
        diagonal = np.arange(dims)
        one_other[diagonal, diagonal] += 1
        one_other %= model.num_levels
        images = np.concatenate([[image.ravel()], one_other])
        logits = model(images.reshape(-1, *model.image_shape)).numpy()
        logits = logits.reshape(dims + 1, dims, -1)
        changed |= (np.abs(logits[1:] - logits[0]).max(-1) > 1e-5).T
    return changed.reshape(*model.image_shape, *model.image_shape)


def test_logits_change_with_earlier_values_alone(gated):
    """Of earlier channels too; and what changes is what `dependencies` finds.

    What that finds of other families is in their conformance.
    """
    changed = changes(gated)
    flat = changed.reshape(gated.num_dims, gated.num_dims)
    assert not np.triu(flat).any()
    assert np.diag(flat, -1)[: gated.image_shape[1] * gated.image_shape[2] - 1].all()
    np.testing.assert_array_equal(kp.dependencies(gated), changed)


def test_probabilities_sum_to_1_and_samples_follow_them():
    tiny = new_gated((1, 2, 2), 3, num_blocks=1)
    test_case.check_normalised(tiny)
    test_case.check_sample_counts(tiny, count=5_000)


def test_values_that_are_no_level_have_no_probability(gated):
    images = random_images(gated, 3)
    images[0, 0, 0, 0], images[2, -1, -1, -1] = -1, LEVELS
    nats = gated.log_prob(images, validate_args=False).numpy()
    np.testing.assert_array_equal(np.isfinite(nats), [False, True, False])
    with pytest.raises(ValueError, match="integers in"):
        gated.log_prob(images)
