import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.layers import DeconvolutionalDecoder, ImageEncoder
from keras_pixelcnn.layers.image_encoder import halved_sizes
from tests.test_case import round_trip


def test_sides_are_halved_until_a_dense_layer_can_take_them():
    assert halved_sizes((28, 28)) == [(28, 28), (14, 14), (7, 7), (4, 4)]
    assert halved_sizes((4, 1)) == [(4, 1)]
    assert halved_sizes((9, 1)) == [(9, 1), (5, 1), (3, 1)]


@pytest.mark.parametrize("shape", [(1, 1, 1), (9, 5, 3), (8, 8, 1)])
def test_images_become_vectors_and_vectors_images_of_the_size(shape):
    encoder = ImageEncoder(6, 256, filters=4)
    image = np.random.default_rng(0).integers(0, 256, (3, *shape))
    latent = encoder(image)
    assert latent.shape == (3, 6)
    decoder = DeconvolutionalDecoder(shape, filters=4)
    outputs = decoder(latent)
    assert outputs.shape == (3, *shape)
    assert tf.reduce_min(outputs) >= 0 and tf.reduce_max(outputs) <= 1
    for layer, given in ((encoder, image), (decoder, latent)):
        copy = round_trip(layer)
        assert copy.get_config() == layer.get_config()
        copy(given)
        copy.set_weights(layer.get_weights())
        np.testing.assert_array_equal(copy(given), layer(given))


def test_large_levels_are_told_apart_in_low_precision():
    """65,534 and 65,535 are one number of 16 bits; 0 and 65,535 are far apart."""
    encoder = ImageEncoder(2, 65_536, filters=4, dtype="mixed_float16")
    images = np.array([0, 65_535]).reshape(2, 1, 1, 1)
    latent = encoder(images).numpy()
    assert np.isfinite(latent).all()
    assert not np.allclose(latent[0], latent[1])
