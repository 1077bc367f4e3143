"""Ways from one embedding to another, and the images on them."""

import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.interpolation import interpolate_embeddings
from tests.test_case import randomize

pytestmark = pytest.mark.op_by_op


def way(a, b, steps=5, method="linear"):
    a, b = tf.constant(a, tf.float32), tf.constant(b, tf.float32)
    return interpolate_embeddings(a, b, steps, method).numpy()


def test_linear():
    expected = [[0, 4], [1, 3], [2, 2], [3, 1], [4, 0]]
    np.testing.assert_allclose(way([0.0, 4.0], [4.0, 0.0]), expected)


def test_spherical_keeps_to_the_arc_in_equal_angles():
    found = way([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], 4, "spherical")
    angles = np.radians([0, 30, 60, 90])
    expected = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=-1)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_spherical_changes_lengths_linearly():
    found = way([2.0, 0.0], [0.0, 6.0], 5, "spherical")
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), [2, 3, 4, 5, 6], 1e-5)


@pytest.mark.parametrize("method", ["linear", "spherical"])
def test_both_ends_are_exact_and_rows_are_independent(method):
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(2, 3, 8))
    found = way(a, b, 6, method)
    assert found.shape == (3, 6, 8)
    np.testing.assert_allclose(found[:, 0], a, rtol=1e-5)
    np.testing.assert_allclose(found[:, -1], b, rtol=1e-5)
    for i in range(3):
        np.testing.assert_allclose(way(a[i], b[i], 6, method), found[i], atol=1e-6)


@pytest.mark.parametrize("distance", [0.0, 1e-7, 1e-4])
def test_spherical_between_nearly_equal_embeddings(distance):
    found = way([1.0, 0.0], [1.0, distance], 3, "spherical")
    np.testing.assert_allclose(found, [[1, 0], [1, distance / 2], [1, distance]], 1e-4)


@pytest.mark.parametrize(
    ("a", "b", "steps", "method", "sentence"),
    [
        ([1.0, 0.0], [-1.0, 0.0], 3, "spherical", "there is no one arc"),
        ([0.0, 0.0], [1.0, 0.0], 3, "spherical", "there is no one arc"),
        ([1.0, 0.0], [1.0, 0.0, 0.0], 3, "linear", "must have one shape"),
        ([[[1.0]]], [[[1.0]]], 3, "linear", "must have one shape"),
        ([1.0], [1.0], 1, "linear", "steps must be an integer of at least 2"),
        ([1.0], [1.0], 2.5, "linear", "steps must be an integer of at least 2"),
        ([1.0], [1.0], 3, "cubic", "method must be one of"),
    ],
)
def test_refuses(a, b, steps, method, sentence):
    with pytest.raises(ValueError, match=sentence):
        way(a, b, steps, method)


SHAPE = (3, 2, 1)


def new_model(**conditions):
    return randomize(kp.GatedPixelCNN(SHAPE, 5, filters=6, num_blocks=1, **conditions))


@pytest.fixture(scope="module")
def by_embedding():
    return new_model(embedding_dim=3)


class TestInterpolate:
    """The verb."""

    @pytest.mark.parametrize("method", ["linear", "spherical"])
    def test_draws_each_step_with_the_noise_of_its_row(self, by_embedding, method):
        a, b = np.random.default_rng(0).normal(size=(2, 2, 3))
        images = by_embedding.interpolate(a, b, 4, seed=[7, -8], method=method)
        assert images.shape == (2, 4, *SHAPE) and images.dtype == tf.uint8
        embeddings = way(a, b, 4, method)
        same = 0
        for row, seed in enumerate([7, -8]):
            expected = by_embedding.sample(
                seed=[seed] * 4, embedding=embeddings[row]
            ).numpy()
            same += np.all(images[row] == expected, axis=(1, 2, 3)).sum()
        assert same >= 7

    def test_one_row(self, by_embedding):
        a, b = np.random.default_rng(0).normal(size=(2, 3))
        images = by_embedding.interpolate(a, b, 6, seed=5)
        assert images.shape == (6, *SHAPE)
        rows = by_embedding.interpolate(a[None], b[None], 6, seed=5)
        np.testing.assert_array_equal(rows[0], images)

    def test_other_options_are_one_for_all_or_one_a_row(self):
        model = new_model(embedding_dim=3, num_classes=3)
        a, b = np.random.default_rng(0).normal(size=(2, 2, 3))
        both = model.interpolate(a, b, 3, 1, label=[0, 2], temperature=[0.5, 2.0])
        seeds = tf.repeat(kp.example_seeds(1, 2), 3)
        expected = model.sample(
            6,
            seeds,
            label=[0, 0, 0, 2, 2, 2],
            temperature=[0.5] * 3 + [2.0] * 3,
            embedding=way(a, b, 3).reshape(6, 3),
        ).numpy()
        same = np.all(expected == both.numpy().reshape(6, *SHAPE), axis=(1, 2, 3))
        assert same.sum() >= 5
        model.interpolate(a, b, 3, 1, label=1, top_p=0.9, sampler="ancestral")

    def test_names_and_sentences_are_one_for_all_or_one_a_row(self):
        """Once sentences were one for all, and names were no labels."""
        named = new_model(embedding_dim=3, num_classes=2)
        named.conditions.label_names = ("cat", "dog")
        told = new_model(embedding_dim=3, vocabulary=["cat", "dog"], caption_length=2)
        a, b = np.random.default_rng(0).normal(size=(2, 2, 3))
        for model, name, words, values in (
            (named, "label", ["dog", "cat"], [1, 0]),
            (told, "caption", ["dog cat", "cat"], [[3, 2], [2, 0]]),
        ):
            for given, meant in ((words, values), (words[0], values[0])):
                images = model.interpolate(a, b, 3, 1, **{name: given})
                expected = model.interpolate(a, b, 3, 1, **{name: meant})
                np.testing.assert_array_equal(images, expected)

    @pytest.mark.op_by_op(False)
    def test_in_graphs_of_any_number_of_rows(self, by_embedding):
        a, b = np.random.default_rng(0).normal(size=(2, 2, 3)).astype("float32")
        run = tf.function(
            lambda a, b: by_embedding.interpolate(a, b, 3, seed=1),
            input_signature=[tf.TensorSpec([None, 3])] * 2,
        )
        expected = by_embedding.interpolate(a, b, 3, seed=1)
        assert np.all(run(a, b) == expected, axis=(2, 3, 4)).sum() >= 5
        assert run(a[:0], b[:0]).shape == (0, 3, *SHAPE)
        assert by_embedding.interpolate(a[:0], b[:0], 3, seed=1).shape[0] == 0

    def test_refuses(self, by_embedding, model):
        with pytest.raises(ValueError, match=r"takes no embedding.*embedding_dim"):
            model.interpolate([1.0], [2.0])
        with pytest.raises(ValueError, match="embedding must have the shape"):
            by_embedding.interpolate([1.0], [2.0])
        with pytest.raises(ValueError, match="embedding must hold finite"):
            by_embedding.interpolate([1.0, 2.0, np.nan], [2.0, 1.0, 0.0])
