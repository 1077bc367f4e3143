"""Tests of log_prob(reduce=False)."""

import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from tests.test_case import random_conditions, random_images, randomize

pytestmark = pytest.mark.op_by_op

SHAPE = (4, 5, 3)


def test_of_no_images_and_in_parts():
    model = randomize(
        kp.GatedPixelCNN(
            SHAPE,
            17,
            filters=6,
            num_blocks=1,
            likelihood="logistic_mixture",
            num_classes=3,
            condition_dropout=0.5,
        )
    )
    images = random_images(model, 5).astype("int32")
    given = random_conditions(model, 5)
    values = model.log_prob(images, reduce=False, **given)
    assert values.shape == images.shape and values.dtype == tf.float32
    parts = model.log_prob(images, reduce=False, batch_size=2, **given)
    np.testing.assert_allclose(parts, values, rtol=1e-4, atol=1e-5)
    assert model.log_prob(images[:0], reduce=False).shape == (0, *images.shape[1:])


def test_of_an_auto_encoder_without_a_prior():
    model = randomize(
        kp.PixelCNNAutoencoder((4, 4, 1), 5, latent_dim=2, filters=4, num_blocks=1)
    )
    images = random_images(model, 3)
    values = model.log_prob(images, reduce=False)
    assert values.shape == images.shape
    nats = tf.reduce_sum(values, axis=[1, 2, 3])
    np.testing.assert_allclose(nats, model.log_prob(images), rtol=1e-5)


@pytest.mark.op_by_op(False)
def test_it_costs_no_more_than_the_sum():
    """In floating point operations; the rest is moving what is there."""
    model = kp.GatedPixelCNN(SHAPE, 17, filters=6, num_blocks=1)
    spec = tf.TensorSpec([2, *SHAPE], tf.int32)
    counts = []
    for reduce in (True, False):

        @tf.function(input_signature=[spec])
        def score(x, reduce=reduce):
            return model.log_prob(x, reduce=reduce)

        nodes = score.get_concrete_function().graph.as_graph_def().node
        counts.append(sorted(n.op for n in nodes if n.op != "Const"))
    assert len(counts[1]) <= len(counts[0])
    assert counts[0].count("Conv2D") == counts[1].count("Conv2D")
