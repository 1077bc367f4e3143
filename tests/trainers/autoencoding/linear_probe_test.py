"""Tests of the linear probe, on latents whose labels are known to be in them or not."""

import numpy as np
import tensorflow as tf

from trainers.autoencoding.linear_probe import labelled_arrays, probe_accuracy


class Encoder:
    """Latents of which the first numbers are those of the image."""

    def encode(self, images):
        return tf.constant(images.reshape(len(images), -1).astype("float32"))


def split(count, seed, tells=1.0):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 4, count)
    images = generator.normal(size=(count, 1, 4, 1))
    images[np.arange(count), 0, labels, 0] += 6 * tells
    return images, labels


def test_labels_that_a_plane_divides_are_found():
    assert probe_accuracy(Encoder(), split(400, 0), split(200, 1)) > 0.95


def test_labels_that_are_not_in_the_latent_are_guessed():
    train, test = split(400, 0, tells=0), split(400, 1, tells=0)
    assert 0.15 < probe_accuracy(Encoder(), train, test) < 0.35


def test_images_without_labels_have_no_accuracy():
    images, labels = split(40, 0)
    unlabelled = images, np.full(40, -1)
    assert probe_accuracy(Encoder(), unlabelled, unlabelled) is None
    assert probe_accuracy(Encoder(), (images, labels * 0), (images, labels)) is None


def test_so_many_images_are_taken_and_keep_their_labels():
    numbers = np.arange(500)
    examples = tf.data.Dataset.from_tensor_slices({"image": numbers, "label": -numbers})
    images, labels = labelled_arrays(examples, 50)
    assert len(set(images)) == 50 and images.max() > 300
    np.testing.assert_array_equal(images, -labels)
    assert len(labelled_arrays(examples)[0]) == 500
