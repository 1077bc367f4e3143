"""Tests of log_prob(reduce=False): of every model, in every mode."""

import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from tests.test_case import random_conditions, random_images, randomize

pytestmark = pytest.mark.op_by_op

SHAPE = (4, 5, 3)
MODELS = {
    "gated": lambda: kp.GatedPixelCNN(SHAPE, 5, filters=6, num_blocks=1),
    "mixture": lambda: kp.GatedPixelCNN(
        SHAPE, 17, filters=6, num_blocks=1, likelihood="logistic_mixture"
    ),
    "conditional": lambda: kp.GatedPixelCNN(
        SHAPE, 5, filters=6, num_blocks=1, num_classes=3, condition_dropout=0.5
    ),
    "plus_plus": lambda: kp.PixelCNNPlusPlus((8, 8, 3), 17, filters=4, num_blocks=1),
}


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return randomize(MODELS[request.param]())


def test_of_no_images_and_in_parts(model):
    images = random_images(model, 5).astype("int32")
    given = random_conditions(model, 5)
    values = model.log_prob(images, reduce=False, **given)
    assert values.shape == images.shape and values.dtype == tf.float32
    parts = model.log_prob(images, reduce=False, batch_size=2, **given)
    np.testing.assert_allclose(parts, values, rtol=1e-4, atol=1e-5)
    assert model.log_prob(images[:0], reduce=False).shape == (0, *images.shape[1:])


def test_a_value_depends_on_those_before_it_and_on_no_other(model):
    """The last value changes its own log probability alone."""
    image = random_images(model, 1)
    other = image.copy()
    middle = model.num_levels // 2
    image[0, -1, -1, -1], other[0, -1, -1, -1] = 0, middle
    before, after = (
        model.log_prob(x, reduce=False, **random_conditions(model, 1)).numpy()
        for x in (image, other)
    )
    changed = np.argwhere(before != after)
    last = np.array(image.shape) - 1
    np.testing.assert_array_equal(changed, [[0, *last[1:]]])


def test_an_impossible_value_is_told_or_has_no_probability(model):
    image = random_images(model, 2)
    image[1, 0, 1, 0] = model.num_levels
    with pytest.raises(ValueError, match="must hold integers"):
        model.log_prob(image, reduce=False, **random_conditions(model, 2))
    values = model.log_prob(
        image, reduce=False, validate_args=False, **random_conditions(model, 2)
    ).numpy()
    assert np.argwhere(np.isinf(values)).tolist() == [[1, 0, 1, 0]]
    assert not np.isnan(values).any()


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
