"""Scoring and sampling, which all models share, on a small GatedPixelCNN."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from tests.models.small_model import LEVELS, SHAPE, new_model
from tests.test_case import random_images, randomize


def test_log_prob_in_parts_and_in_graphs(model, images):
    whole = model.log_prob(images)
    np.testing.assert_allclose(model.log_prob(images, batch_size=2), whole, rtol=1e-5)
    unknown = tf.function(
        model.log_prob, input_signature=[tf.TensorSpec([None, *SHAPE], tf.int32)]
    )
    assert unknown(images[:0]).shape == (0,)
    for batch_size in (0, None, 2.5, "4", True):
        with pytest.raises(ValueError, match="batch_size must be an integer of at le"):
            model.log_prob(images, batch_size=batch_size)


@pytest.mark.op_by_op
def test_initial_model_is_nearly_uniform():
    model = kp.GatedPixelCNN((5, 5, 1), num_levels=17, filters=16, num_blocks=4)
    bits = kp.bits_per_dim(model.log_prob(random_images(model, 20)), 25)
    assert np.mean(bits) == pytest.approx(math.log2(17), abs=0.4)


class TestSample:
    """Seeds, and arguments out of range."""

    def test_shape_type_and_range(self, model):
        samples = model.sample(50, seed=0)
        assert samples.shape == (50, *SHAPE) and samples.dtype == tf.uint8
        assert set(np.unique(samples)) == set(range(LEVELS))
        assert model.sample(0, seed=0).shape == (0, *SHAPE)
        assert model.sample(seed=0).shape == (1, *SHAPE)

    def test_same_seed_same_images_whatever_the_batch(self, model):
        many = model.sample(33, seed=8).numpy()
        np.testing.assert_array_equal(model.sample(33, seed=8), many)
        for count in (1, 5, 16):
            few = model.sample(count, seed=8).numpy()
            # An edge between two levels may flip in one image at the most.
            assert np.all(few == many[:count], axis=(1, 2, 3)).sum() >= count - 1
        assert not np.array_equal(model.sample(33, seed=9), many)

    def test_one_seed_per_example(self, model):
        seeds = kp.example_seeds(8, 6)
        np.testing.assert_array_equal(model.sample(6, seed=seeds), model.sample(6, 8))
        order = [4, 0, 0, 5]
        shuffled = model.sample(4, seed=seeds.numpy()[order]).numpy()
        np.testing.assert_array_equal(shuffled, model.sample(6, 8).numpy()[order])

    def test_there_are_as_many_images_as_seeds(self, model):
        expected = model.sample(3, [5, 6, 7])
        for seed in ([5, 6, 7], np.arange(5, 8), tf.constant([5, 6, 7], tf.int64)):
            np.testing.assert_array_equal(model.sample(seed=seed), expected)

    def test_no_seed_follows_the_global_one(self, model):
        keras.utils.set_random_seed(3)
        first, second = model.sample(4).numpy(), model.sample(4).numpy()
        assert not np.array_equal(first, second)
        keras.utils.set_random_seed(3)
        np.testing.assert_array_equal(model.sample(4), first)

    def test_no_seed_draws_anew_at_each_run_of_a_graph(self, model):
        draw = tf.function(lambda: model.sample(4))
        assert not np.array_equal(draw(), draw())

    @pytest.mark.op_by_op
    def test_dropout_is_off(self, model):
        dropping = new_model(dropout_rate=0.9)
        dropping.set_weights(model.get_weights())
        for sampler in ("incremental", "fixed_point"):
            drawn = model.sample(3, seed=1, sampler=sampler)
            np.testing.assert_array_equal(
                dropping.sample(3, seed=1, sampler=sampler), drawn
            )
        np.testing.assert_array_equal(dropping.log_prob(drawn), model.log_prob(drawn))

    def test_temperature(self, model):
        def mean_log_prob(temperature):
            return np.mean(model.log_prob(model.sample(64, 2, temperature)))

        assert mean_log_prob(0.3) > mean_log_prob(1.0) + 1
        assert mean_log_prob(1.0) > mean_log_prob(5.0) + 1
        np.testing.assert_array_equal(
            model.sample(3, 2, [0.1, 1.0, 5.0])[1], model.sample(3, 2)[1]
        )
        greedy = model.sample(5, 2, temperature=1e-6).numpy()
        assert np.ptp(greedy, axis=0).max() == 0

    def test_refuses(self, model):
        for arguments, sentence in [
            ({"temperature": tf.constant(-1.0)}, "temperature must be"),
            ({"temperature": [1.0, 1.0, 1.0]}, "temperature must be one number"),
            ({"seed": tf.constant(1.5)}, "seed must be"),
            ({"num_samples": "3"}, "num_samples must be"),
            ({"num_samples": tf.constant(-1)}, "num_samples must be"),
            ({"num_samples": tf.constant(1.5)}, "num_samples must be"),
            ({"sampler": "fast"}, "sampler must be one of"),
        ]:
            with pytest.raises(ValueError, match=sentence):
                model.sample(**{"num_samples": 2, **arguments})

    @pytest.mark.op_by_op
    def test_default_computes_every_activation_once(self, model):
        """By counting whole passes, which the steps do without."""
        calls = []
        fresh = new_model()
        fresh.call = lambda *args, **kwargs: calls.append(1)
        np.testing.assert_array_equal(fresh.sample(2, seed=1), model.sample(2, seed=1))
        assert not calls

    def test_follows_the_weights(self):
        """Neither sampler nor scorer may keep the weights that it was traced with."""
        model = kp.GatedPixelCNN((3, 3, 2), LEVELS, filters=4, num_blocks=1)
        before, score = model.sample(4, 1).numpy(), model.log_prob(model.sample(4, 1))
        randomize(model, seed=1)
        assert not np.array_equal(model.sample(4, 1), before)
        assert not np.allclose(model.log_prob(before), score)
