"""Distributions given conditions, whose leading shape is the batch shape."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from keras_pixelcnn.distributions import PixelCNNDistribution
from tests.models.small_model import SHAPE, new_model

pytestmark = pytest.mark.op_by_op

EMBEDDINGS = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
MAPS = np.random.default_rng(1).normal(size=(2, 3, 2, 2, 1)).astype("float32")


@pytest.fixture(scope="module")
def by_label():
    return new_model(num_classes=5, head_filters=24)


@pytest.fixture(scope="module")
def of_all_kinds():
    return new_model(
        num_classes=5, embedding_dim=4, spatial_shape=(2, 2, 1), head_filters=24
    )


def test_batch_shape_is_the_labels(by_label):
    for label, shape in ((3, ()), ([3, 1], (2,)), ([[3], [1]], (2, 1)), ([], (0,))):
        label = np.array(label, "int64")
        distribution = by_label.distribution(label=label)
        assert distribution.batch_shape == shape
        assert distribution.batch_shape_tensor().numpy().tolist() == list(shape)
        assert distribution.event_shape == SHAPE
        samples = distribution.sample(3, seed=1)
        assert samples.shape == (3, *shape, *SHAPE)
        assert distribution.log_prob(samples).shape == (3, *shape)
    assert "PixelCNNDistribution" in repr(distribution)


def test_each_member_has_its_own_condition(by_label):
    distribution = by_label.distribution(label=[3, 1])
    samples = distribution.sample(4, seed=1)
    log_prob = distribution.log_prob(samples).numpy()
    for i, label in enumerate([3, 1]):
        expected = by_label.log_prob(samples[:, i].numpy(), label=label)
        np.testing.assert_allclose(log_prob[:, i], expected, rtol=1e-5)
    flat = by_label.sample(8, seed=1, label=[3, 1] * 4).numpy()
    np.testing.assert_array_equal(samples.numpy().reshape(8, *SHAPE), flat)
    # One image, scored under each label.
    scores = distribution.log_prob(samples[0, 0])
    np.testing.assert_allclose(scores[0], log_prob[0, 0], rtol=1e-5)
    assert scores.shape == (2,) and scores[1] != scores[0]


def test_conditions_broadcast(of_all_kinds):
    given = {"label": [[2], [4]], "embedding": EMBEDDINGS, "spatial": MAPS}
    distribution = of_all_kinds.distribution(**given)
    assert distribution.batch_shape == (2, 3)
    samples = distribution.sample(seed=1)
    log_prob = distribution.log_prob(samples)
    for i in range(2):
        for j in range(3):
            expected = of_all_kinds.log_prob(
                samples[i, j][None].numpy(),
                label=given["label"][i][0],
                embedding=EMBEDDINGS[j],
                spatial=MAPS[i, j],
            )
            np.testing.assert_allclose(log_prob[i, j], expected[0], rtol=1e-5)


def test_slices_take_their_conditions_along(of_all_kinds):
    given = {"label": [[2], [4]], "embedding": EMBEDDINGS, "spatial": MAPS}
    distribution = of_all_kinds.distribution(**given)
    images = np.random.default_rng(2).integers(0, 5, (2, 3, *SHAPE))
    nats = distribution.log_prob(images).numpy()
    for index in (
        np.s_[0, ...],
        np.s_[1, 2],
        np.s_[:, 1:],
        np.s_[..., 0],
        np.s_[:, tf.newaxis],
    ):
        sliced, expected = distribution[index], nats[index]
        assert sliced.batch_shape == expected.shape
        chosen = images[(*index, *[slice(None)] * 3)]
        np.testing.assert_allclose(sliced.log_prob(chosen), expected, rtol=1e-5)


def test_out_of_the_batch(by_label):
    with pytest.raises(IndexError):
        by_label.distribution(label=[1, 2])[2]


@pytest.mark.op_by_op(False)
def test_into_and_out_of_graphs(by_label):
    distribution = by_label.distribution(label=[1, 2])
    images = distribution.sample(seed=1)

    @tf.function
    def score(distribution):
        return distribution.log_prob(images)

    expected = distribution.log_prob(images)
    np.testing.assert_allclose(score(distribution), expected, rtol=1e-5)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32)])
    def make(label):
        return by_label.distribution(label=label)

    returned = make(tf.constant([1, 2]))
    assert isinstance(returned, PixelCNNDistribution)
    np.testing.assert_allclose(returned.log_prob(images), expected, rtol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="label must hold"):
        tf.function(lambda label: make(label).sample(seed=1))(tf.constant([1, 5]))


@pytest.mark.op_by_op(False)
def test_batches_of_unknown_size(by_label):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32)])
    def draw(label):
        distribution = by_label.distribution(label=label)
        return distribution.sample(2, seed=1), distribution.batch_shape_tensor()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32)])
    def score_first(label):
        distribution = by_label.distribution(label=label)
        return distribution[tf.constant(0)].log_prob(tf.zeros(SHAPE, tf.int32))

    blank = np.zeros((1, *SHAPE), "int32")
    expected = by_label.log_prob(blank, label=2)[0]
    np.testing.assert_allclose(score_first(tf.constant([2, 1])), expected, rtol=1e-5)
    for count in (1, 3):
        images, shape = draw(tf.zeros([count], tf.int32))
        assert images.shape == (2, count, *SHAPE) and shape.numpy().tolist() == [count]


def test_copies_and_independent_members(by_label):
    distribution = by_label.distribution(label=[1, 2])
    copy = distribution.copy(label=[3, 4])
    images = copy.sample(seed=1)
    expected = by_label.distribution(label=[3, 4]).log_prob(images)
    np.testing.assert_array_equal(copy.log_prob(images), expected)
    pair = tfp.distributions.Independent(distribution, reinterpreted_batch_ndims=1)
    images = pair.sample(seed=1)
    expected = tf.reduce_sum(distribution.log_prob(images))
    np.testing.assert_allclose(pair.log_prob(images), expected, rtol=1e-5)


def test_a_model_trained_without_some_conditions(by_label):
    optional = new_model(num_classes=5, condition_dropout=0.2, head_filters=24)
    distribution = optional.distribution()
    assert distribution.batch_shape == ()
    images = distribution.sample(3, seed=1)
    np.testing.assert_array_equal(images, optional.sample(3, seed=1))
    with pytest.raises(ValueError, match=r"Missing: \['label'\]"):
        by_label.distribution()
    with pytest.raises(ValueError, match="takes the conditions"):
        by_label.distribution(label=1, embedding=[1.0])
