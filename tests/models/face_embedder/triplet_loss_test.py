"""Tests of the triplet loss against a plain reference, loop by loop."""

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.models import semi_hard_triplet_loss
from keras_pixelcnn.models.face_embedder.triplet_loss import (
    mine_semi_hard,
    squared_distances,
)

GENERATOR = np.random.default_rng(0)


def sphere(count, dims=3):
    points = GENERATOR.normal(size=(count, dims))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype("float32")


def reference(distances, labels, margin):
    """The loss, and the negative of each pair, as the paper says it in words."""
    losses, negatives = [], {}
    for anchor, own in enumerate(labels):
        others = [n for n, label in enumerate(labels) if label != own]
        for positive, label in enumerate(labels):
            if positive == anchor or label != own or not others:
                continue
            near = distances[anchor, positive]
            farther = [n for n in others if distances[anchor, n] > near]
            choose = min if farther else max
            found = choose(distances[anchor, n] for n in farther or others)
            negatives[anchor, positive] = found
            losses.append(max(0.0, near - found + margin))
    return (np.mean(losses) if losses else 0.0), negatives


CASES = {
    "several of each": (sphere(18), np.arange(18) % 4),
    "unequal numbers": (sphere(15), np.array([0] * 8 + [1] * 5 + [2] + [7])),
    "many ties": (np.eye(3, dtype="float32")[np.arange(12) % 3], np.arange(12) // 4),
    "all equal": (np.tile(sphere(1), (8, 1)), np.arange(8) % 3),
    "one identity": (sphere(5), np.zeros(5, int)),
    "one of each": (sphere(5), np.arange(5)),
    "a single image": (sphere(1), np.array([3])),
    "large labels": (sphere(6), np.array([2**40, 2**40, 2**40 + 1] * 2)),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("margin", [0.2, 1.5])
def test_the_loss_is_that_of_the_reference_and_its_gradient_is_finite(name, margin):
    embeddings, labels = CASES[name]
    distances = squared_distances(tf.constant(embeddings)).numpy()
    expected, negatives = reference(distances, labels, margin)
    points = tf.constant(embeddings)
    with tf.GradientTape() as tape:
        tape.watch(points)
        loss = semi_hard_triplet_loss(labels, points, margin)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    gradient = tape.gradient(loss, points).numpy()
    assert np.isfinite(gradient).all()
    is_felt = np.abs(gradient).max() > 1e-6  # less is rounding
    assert is_felt == (expected > 0 and name != "all equal")
    triplets = mine_semi_hard(tf.constant(distances), tf.constant(labels))
    assert set(zip(*np.nonzero(triplets.is_triplet.numpy()))) == set(negatives)
    for (anchor, positive), distance in negatives.items():
        negative = triplets.negative.numpy()[anchor, positive]
        assert labels[negative] != labels[anchor]
        assert distances[anchor, negative] == distance


def test_distances_are_squared_and_none_is_negative():
    points = sphere(20, 5)
    expected = ((points[:, None] - points) ** 2).sum(axis=-1)
    found = squared_distances(tf.constant(points)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.min() >= 0


def test_a_step_down_brings_the_positive_nearer_and_the_negative_farther():
    points = tf.Variable([[1.0, 0.0], [0.6, 0.8], [0.5, 0.866]])
    with tf.GradientTape() as tape:
        loss = semi_hard_triplet_loss([0, 0, 1], points)
    before = squared_distances(points).numpy()
    points.assign_sub(0.01 * tape.gradient(loss, points))
    after = squared_distances(points).numpy()
    assert after[0, 1] < before[0, 1] and after[1, 2] > before[1, 2]


def test_the_loss_is_the_same_in_a_graph_and_by_xla():
    embeddings, labels = CASES["unequal numbers"]
    eager = semi_hard_triplet_loss(labels, embeddings)
    spec = [tf.TensorSpec([None], tf.int64), tf.TensorSpec([None, 3], tf.float32)]
    graph = tf.function(semi_hard_triplet_loss, input_signature=spec, autograph=False)
    np.testing.assert_allclose(graph(labels, embeddings), eager, rtol=1e-6)
    compiled = tf.function(semi_hard_triplet_loss, jit_compile=True, autograph=False)
    found = compiled(tf.constant(labels), tf.constant(embeddings))
    np.testing.assert_allclose(found, eager, rtol=1e-6)


def test_low_precision_is_computed_in_full():
    embeddings, labels = CASES["several of each"]
    half = tf.cast(embeddings, tf.bfloat16)
    loss = semi_hard_triplet_loss(labels, half)
    assert loss.dtype == tf.float32
    expected = semi_hard_triplet_loss(labels, tf.cast(half, tf.float32))
    np.testing.assert_array_equal(loss, expected)
