"""classify: Bayes over the labels."""

import numpy as np
import pytest
import tensorflow as tf

from tests.models.small_model import new_model
from tests.test_case import random_conditions, random_images

pytestmark = pytest.mark.op_by_op


@pytest.fixture(scope="module")
def by_label():
    return new_model(num_classes=3, head_filters=24)


def by_hand(model, images, prior, **given):
    """p(y | x) = p(x | y) p(y) / sum, label by label, in double precision."""
    nats = [model.log_prob(images, label=y, **given) for y in range(len(prior))]
    joint = np.stack(nats, axis=-1).astype("float64") + np.log(prior)
    joint = np.exp(joint - joint.max(axis=-1, keepdims=True))
    return joint / joint.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize(
    ("prior", "batch_size"),
    [(None, 1), ([0.2, 0.5, 0.3], 4), (np.array([1, 3, 2]), 128)],
)
def test_is_bayes(by_label, prior, batch_size):
    images = random_images(by_label, 5)
    found = by_label.classify(images, prior, batch_size=batch_size)
    assert found.shape == (5, 3) and found.dtype == tf.float32
    np.testing.assert_allclose(np.sum(found, axis=-1), 1, rtol=1e-5)
    weights = np.ones(3) if prior is None else np.array(prior, "float64")
    expected = by_hand(by_label, images, weights / weights.sum())
    assert np.ptp(expected) > 0.5
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_class_of_prior_zero_is_never_found(by_label):
    found = by_label.classify(random_images(by_label, 5), [0, 1, 1]).numpy()
    assert np.all(found[:, 0] == 0) and np.isfinite(found).all()


def test_with_other_conditions():
    model = new_model(num_classes=3, embedding_dim=2, spatial_shape=(2, 2, 1))
    images, given = random_images(model, 4), random_conditions(model, 4)
    del given["label"]
    expected = by_hand(model, images, np.ones(3) / 3, **given)
    np.testing.assert_allclose(model.classify(images, **given), expected, atol=1e-3)
    one = {name: value[0] for name, value in given.items()}
    expected = by_hand(model, images, np.ones(3) / 3, **one)
    np.testing.assert_allclose(model.classify(images, **one), expected, atol=1e-3)
    with pytest.raises(ValueError, match=r"Missing: \['embedding', 'spatial'\]"):
        model.classify(images)


def test_of_no_images(by_label):
    assert by_label.classify(random_images(by_label, 1)[:0]).shape == (0, 3)


@pytest.mark.parametrize(
    "prior", [[1, 1], [1, 1, -1], [0, 0, 0], [np.nan, 1, 1], [[1, 1, 1]], "abc"]
)
def test_priors_that_are_none(by_label, prior):
    with pytest.raises(ValueError, match="prior must be 3 finite numbers"):
        by_label.classify(random_images(by_label, 2), prior)


def test_refuses(by_label, model, images):
    with pytest.raises(ValueError, match=r"takes no label.*num_classes"):
        model.classify(images)
    with pytest.raises(ValueError, match="classify finds the label"):
        by_label.classify(random_images(by_label, 2), label=1)
    with pytest.raises(ValueError, match=r"image.* must hold integers in"):
        by_label.classify(random_images(by_label, 2) + 100)
    with pytest.raises(ValueError, match="takes the conditions"):
        by_label.classify(random_images(by_label, 2), embedding=[1.0])
