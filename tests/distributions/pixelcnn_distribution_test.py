import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import keras_pixelcnn as kp
from keras_pixelcnn.distributions import PixelCNNDistribution
from tests.test_case import randomize

pytestmark = pytest.mark.op_by_op

SHAPE = (2, 3, 3)


@pytest.fixture(scope="module")
def model():
    return randomize(
        kp.GatedPixelCNN(
            SHAPE, num_levels=4, filters=6, num_blocks=1, first_kernel_size=3
        )
    )


@pytest.fixture(scope="module")
def distribution(model):
    return model.distribution()


def test_is_a_distribution(distribution):
    assert isinstance(distribution, tfp.distributions.Distribution)
    assert distribution.dtype == tf.int32
    assert distribution.event_shape == SHAPE and distribution.batch_shape == ()
    assert distribution.event_shape_tensor().numpy().tolist() == list(SHAPE)
    assert distribution.batch_shape_tensor().numpy().tolist() == []
    assert "PixelCNNDistribution" in repr(distribution)


@pytest.mark.parametrize("sample_shape", [(), 5, (2, 3), (1,), (0,), tf.constant([2])])
def test_sample_of_any_shape(distribution, model, sample_shape):
    samples = distribution.sample(sample_shape, seed=3)
    leading = np.zeros(sample_shape).shape if not tf.is_tensor(sample_shape) else (2,)
    assert samples.shape == (*leading, *SHAPE) and samples.dtype == tf.int32
    flat = samples.numpy().reshape(-1, *SHAPE)
    np.testing.assert_array_equal(flat, model.sample(len(flat), seed=3))
    assert distribution.log_prob(samples).shape == leading


def test_log_prob_is_the_models(distribution, model):
    images = distribution.sample((2, 3), seed=1)
    expected = model.log_prob(images.numpy().reshape(6, *SHAPE)).numpy()
    found = distribution.log_prob(images).numpy()
    np.testing.assert_allclose(found, expected.reshape(2, 3), rtol=1e-5)
    np.testing.assert_allclose(distribution.prob(images), np.exp(found), rtol=1e-5)
    np.testing.assert_allclose(
        distribution.log_prob(images.numpy().astype("uint8")), found
    )


@pytest.mark.op_by_op(False)
def test_works_inside_a_function(distribution):
    @tf.function
    def run(images):
        return (
            distribution.log_prob(images),
            distribution.sample((2, 1), seed=4),
            distribution.sample(2),
        )

    images = distribution.sample(3, seed=1)
    first, second = run(images), run(images)
    np.testing.assert_allclose(first[0], distribution.log_prob(images), rtol=1e-5)
    np.testing.assert_array_equal(first[1], distribution.sample((2, 1), seed=4))
    np.testing.assert_array_equal(first[1], second[1])
    assert not np.array_equal(first[2], second[2])  # no seed: anew at each call


def test_gradients_reach_the_weights(model, distribution):
    images = distribution.sample(3, seed=1)
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(distribution.log_prob(images))
    gradients = tape.gradient(loss, model.trainable_variables)
    assert all(gradient is not None for gradient in gradients)


def test_stateless_seeds_of_tensorflow_probability(distribution):
    first = distribution.sample(4, seed=tf.constant([1, 2]))
    np.testing.assert_array_equal(distribution.sample(4, seed=(1, 2)), first)
    assert not np.array_equal(distribution.sample(4, seed=(2, 1)), first)
    assert not np.array_equal(distribution.sample(4), distribution.sample(4))


def test_seeds_of_any_size(distribution):
    """Seed streams give integers of 512 bits."""
    stream = tfp.util.SeedStream(1, "salt")
    assert distribution.sample(2, seed=stream).shape == (2, *SHAPE)
    assert distribution.sample(2, seed=2**300 + 1).shape == (2, *SHAPE)
    for seed in (1.5, [1], tf.constant([1, 2, 3])):
        with pytest.raises(ValueError, match="seed must be"):
            distribution.sample(2, seed=seed)


@pytest.mark.parametrize("validate_args", [False, True])
@pytest.mark.op_by_op(False)
def test_images_of_unknown_shape_are_looked_at_in_the_graph(model, validate_args):
    """Once single pixels were spread over an image, and had a number."""
    distribution = model.distribution(validate_args=validate_args)
    specs = [tf.TensorSpec(None, tf.int32), tf.TensorSpec([None] * 4, tf.int32)]
    for spec in specs:
        score = tf.function(distribution.log_prob, input_signature=[spec])
        images = np.zeros((2, *SHAPE), "int32")
        np.testing.assert_allclose(score(images), model.log_prob(images), rtol=1e-5)
        wrong = [(2, 1, 1, 1), (2, *SHAPE[:2], 1), (4, 8, 8, SHAPE[2])]
        wrong += [(1,), (), (1, 1, 1), SHAPE[:2]] if spec.shape.rank is None else []
        for shape in wrong:
            with pytest.raises(tf.errors.InvalidArgumentError, match="must have the"):
                score(np.zeros(shape, "int32"))


@pytest.mark.op_by_op(False)
def test_no_distribution_traces_anew(model):
    images = model.sample(3, seed=1)
    model.distribution().log_prob(images)
    (score,) = [graph for key, graph in model._graphs.items() if "score" in key]
    traces = score.experimental_get_tracing_count()
    for _ in range(3):
        model.distribution().copy()[tf.newaxis].log_prob(images)
    assert score.experimental_get_tracing_count() == traces == 1


def test_batch_and_slicing(distribution, model):
    batch = PixelCNNDistribution(model, batch_shape=(2, 3))
    assert batch.batch_shape == (2, 3)
    samples = batch.sample(4, seed=1)
    assert samples.shape == (4, 2, 3, *SHAPE)
    log_prob = batch.log_prob(samples)
    np.testing.assert_allclose(log_prob, distribution.log_prob(samples), rtol=1e-5)
    assert batch.log_prob(samples[0, 0, 0]).shape == (2, 3)
    shapes = [
        (np.s_[0], (3,)),
        (np.s_[:, 1:], (2, 2)),
        (np.s_[..., 0], (2,)),
        (np.s_[1, 2], ()),
        (np.s_[:, tf.newaxis], (2, 1, 3)),
    ]
    for index, shape in shapes:
        assert batch[index].batch_shape == shape
        assert batch[index].sample(seed=1).shape == (*shape, *SHAPE)
    assert distribution[tf.newaxis].batch_shape == (1,)
    assert distribution[...].batch_shape == ()
    with pytest.raises(IndexError):
        distribution[0]
