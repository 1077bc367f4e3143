"""Tests of the layer that encodes sentences."""

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.layers.caption_encoder import CaptionEncoder
from tests.test_case import check_layer, randomize

SENTENCES = np.array([[2, 3, 4, 0], [4, 3, 2, 0], [5, 0, 0, 0], [0, 0, 0, 0]], "int32")


@pytest.fixture
def encoder():
    layer = CaptionEncoder((3, 2), 6, 8)
    layer(SENTENCES)
    return randomize(layer)


def test_a_vector_and_a_map(encoder):
    vector, pixels = check_layer(encoder, tf.constant(SENTENCES))
    assert vector.shape == (4, 8) and pixels.shape == (4, 3, 2, 8)
    assert np.isfinite(vector).all() and np.isfinite(pixels).all()


def test_the_order_of_words_and_the_place_of_pixels_matter(encoder):
    found = encoder(SENTENCES)
    for features in found.values():
        assert np.abs(features[0] - features[1]).min() > 0
    pixels = np.reshape(found["caption_map"][0], (6, 8))
    assert len(np.unique(pixels.round(5), axis=0)) == 6


def test_nothing_is_read_after_the_end_of_a_sentence(encoder):
    before = encoder(SENTENCES)
    words = encoder.words.embeddings
    words.assign(np.concatenate([words[:1] + 7, words[1:]]))
    for name, features in encoder(SENTENCES).items():
        np.testing.assert_array_equal(features, before[name])
    alone = encoder(SENTENCES[2:3])
    for name, features in alone.items():
        np.testing.assert_allclose(features[0], before[name][2], atol=1e-5)
