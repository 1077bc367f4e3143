import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.layers import ChannelEmbedding, IntensityEncoding
from tests.test_case import check_layer, round_trip

LEVELS = np.array([[[[0, 4], [3, 1]]], [[[2, 2], [4, 0]]]])


@pytest.fixture(scope="module")
def embedding():
    layer = ChannelEmbedding(5, 3, channels=2)
    layer.build((None, 1, 2, 2))
    return layer


def test_each_channel_has_its_own_table(embedding):
    tables = embedding.embeddings.numpy()
    assert tables.shape == (2, 5, 3)
    expected = np.concatenate(
        [tables[0][LEVELS[..., 0]], tables[1][LEVELS[..., 1]]], axis=-1
    )
    np.testing.assert_array_equal(embedding(LEVELS), expected)


def test_embedding_as_a_layer():
    (outputs,) = check_layer(ChannelEmbedding(5, 3, 2), tf.constant(LEVELS, tf.int32))
    assert outputs.shape == (2, 1, 2, 6)


def test_what_is_no_level_does_not_read_beyond_a_table(embedding):
    """The first channel's 5 would be the second one's 0."""
    wrong = np.array([[[[-1, -1], [5, 99]]]])
    right = np.array([[[[0, 0], [4, 4]]]])
    np.testing.assert_array_equal(embedding(wrong), embedding(right))


def test_levels_beyond_bfloat16_are_told_apart():
    """Also of floats, of which Keras would make the type that it computes in."""
    layer = ChannelEmbedding(400, 2, dtype="mixed_bfloat16")
    outputs = layer(np.array([[257.0], [258.0]], "float32"))
    assert outputs.dtype == "bfloat16" and np.all(outputs[0] != outputs[1])


def test_gradient_is_dense_and_of_what_was_looked_up(embedding):
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(embedding(LEVELS))
    gradient = tape.gradient(total, embedding.embeddings.value)
    assert not isinstance(gradient, tf.IndexedSlices)
    expected = np.zeros((2, 5, 3))
    expected[0, [0, 3, 2, 4]] = expected[1, [4, 1, 2, 0]] = 1
    np.testing.assert_array_equal(gradient, expected)


@pytest.mark.parametrize("output_dim", [0, 2.5, None])
def test_embedding_refuses(output_dim):
    with pytest.raises(ValueError, match=r"output_dim must be.*Received: output_dim="):
        ChannelEmbedding(5, output_dim)


def test_intensities_keep_their_order_from_minus_1_to_1():
    layer = round_trip(IntensityEncoding(65_536, channels=3, dtype="mixed_float16"))
    values = np.array([[0, 65_534, 65_535]])
    outputs = layer(values).numpy()
    assert outputs.dtype == "float32"
    np.testing.assert_allclose(outputs, [[-1, 1 - 2 / 65_535, 1]], atol=1e-7)
    assert outputs[0, 1] < 1
    steps = layer.steps("float16")
    assert steps.features == 3 and steps.pixel(tf.constant([7, 8]), 1).shape == (2, 1)
    assert keras.saving.serialize_keras_object(layer)["config"]["channels"] == 3
