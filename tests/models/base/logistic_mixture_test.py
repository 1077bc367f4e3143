"""GatedPixelCNN with a mixture of logistics, beyond the contract of all models."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from tests import test_case
from tests.test_case import random_images, randomize

pytestmark = pytest.mark.op_by_op

CASES = [((4, 3, 3), 256), ((5, 3, 1), 40), ((1, 3, 4), 1000)]
IDENTIFIER = {"name": "logistic_mixture", "num_mixtures": 3}


def new_model(image_shape, num_levels, **kwargs):
    arguments = {
        "filters": 5,
        "head_filters": 8,
        "num_blocks": 2,
        "first_kernel_size": 3,
        "likelihood": IDENTIFIER,
        **kwargs,
    }
    return randomize(kp.GatedPixelCNN(image_shape, num_levels, **arguments), scale=0.3)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: str(case[0]))
def plain(request):
    return new_model(*request.param)


def test_counts_of_more_levels_match_log_prob():
    """One pixel of 30 x 30 values, drawn by runs of levels."""
    model = new_model((1, 1, 2), 30)
    test_case.check_sample_counts(model)


def test_completes_single_channels_given_those_before_and_not_those_after(plain):
    """Each drawn value is that of its own conditional, with the known ones before."""
    likelihood, (*_, channels) = plain.pixel_likelihood, plain.image_shape
    images = random_images(plain, 3)
    mask = np.random.default_rng(2).random(plain.image_shape) < 0.5
    done = plain.complete(images, np.repeat(mask[None], 3, axis=0), seed=4).numpy()
    assert np.all(done[:, mask] == images[:, mask])
    parameters = plain(done.astype("int32"), training=False)
    own = test_case.channels_of(plain, parameters, done)
    noise = kp.example_uniforms(kp.example_seeds(4, 3), plain.image_shape)
    drawn = likelihood.sample(
        tf.reshape(own, [-1, own.shape[-1]]),
        tf.reshape(noise, [-1]),
        tf.ones([done.size]),
    )
    expected = np.where(mask, images, np.reshape(drawn, done.shape))
    assert np.mean(done == expected) > 0.97  # a value on an edge may flip
    assert channels == 1 or mask[..., 0].any() != mask[..., 0].all()


@pytest.mark.op_by_op(False)
def test_trains_the_same_by_xla():
    losses = []
    for options in ({"jit_compile": True}, {"run_eagerly": True}):
        model = new_model((3, 2, 3), 256, num_blocks=1)
        model.compile(keras.optimizers.SGD(0.01), **options)
        images = random_images(model, 4)
        history = model.fit(images, epochs=2, batch_size=4, verbose=0)
        losses.append(history.history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-4)


@pytest.mark.op_by_op(False)
def test_learns_a_pattern():
    """Green repeats red, and columns repeat to the right."""
    generator = np.random.default_rng(0)
    red = np.repeat(generator.integers(0, 16, (256, 2, 1, 1)), 2, axis=2)
    images = np.concatenate([red, red], axis=-1)
    model = kp.GatedPixelCNN(
        (2, 2, 2), 16, filters=12, num_blocks=2, likelihood="logistic_mixture"
    )
    rate = keras.optimizers.schedules.CosineDecay(0.02, 240)
    model.compile(keras.optimizers.Adam(rate))
    first = model.evaluate(images, verbose=0, return_dict=True)["bits_per_dim"]
    assert first < 4.6  # near to the 4 of uniform levels
    model.fit(np.tile(images, (60, 1, 1, 1)), batch_size=64, verbose=0)
    assert model.evaluate(images, verbose=0, return_dict=True)["bits_per_dim"] < 1.5
    drawn = model.sample(50, seed=0).numpy().astype(int)
    assert np.mean(np.abs(drawn[..., 0] - drawn[..., 1]) <= 1) > 0.9


@pytest.mark.parametrize("sampler", ["fixed_point", "ancestral"])
@pytest.mark.op_by_op(False)
def test_draws_in_a_users_graph_are_those_of_eager_mode(sampler):
    """Of a batch size that the graph knows: it used to drop an axis of the levels."""
    model = new_model((2, 3, 3), 256, num_blocks=1)
    draw = functools.partial(model.sample, 6, seed=1, sampler=sampler)
    with test_case.op_by_op():
        expected = draw()
    np.testing.assert_array_equal(tf.function(draw)(), expected)
