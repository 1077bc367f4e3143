"""Tests of whether a decoder is found to use its latent, or not to."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from tests.models.autoencoder.small_autoencoder import patterns
from tests.test_case import random_images
from trainers.autoencoding import latent_use
from trainers.autoencoding.latent_use import LEAST_BITS, LatentUse
from trainers.runs.data import LabelledImages


@pytest.fixture(scope="module")
def model():
    """A decoder that sees few pixels, of images that a latent tells apart."""
    keras.utils.set_random_seed(1)
    model = kp.PixelCNNAutoencoder(
        (6, 6, 1),
        2,
        latent_dim=4,
        encoder_filters=8,
        filters=8,
        num_blocks=1,
        first_kernel_size=3,
    )
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(patterns(512)[0], epochs=8, verbose=0)
    return model


@pytest.fixture(scope="module")
def images():
    return patterns(64, seed=1)[0]


def test_a_decoder_that_uses_its_latent_suffers_from_another_s(model, images):
    use = latent_use.measure(model, images, batch_size=32)
    nats = model.log_prob(images).numpy()
    assert use.bits_per_dim == pytest.approx(kp.bits_per_dim(nats.mean(), 36), rel=1e-5)
    assert use.bits_saved > 10
    assert not use.is_collapsed
    assert use.verdict().startswith("The decoder uses the latent")


def test_a_decoder_without_ways_for_its_latent_is_found_out(model, images):
    weights = model.get_weights()
    for layer in model.decoder.conditionings:
        for weight in layer.trainable_weights:
            weight.assign(np.zeros(weight.shape))
    use = latent_use.measure(model, images, batch_size=32)
    model.set_weights(weights)
    assert use.bits_saved == pytest.approx(0, abs=1e-4)
    assert use.is_collapsed
    assert use.verdict().startswith("COLLAPSED: the decoder ignores the latent")


def test_the_rule_is_so_many_bits_an_image():
    for bits, is_collapsed in ((LEAST_BITS - 0.01, True), (LEAST_BITS + 0.01, False)):
        use = LatentUse(0.5, 0.5 + bits / 36, num_dims=36)
        assert use.bits_saved == pytest.approx(bits)
        assert use.is_collapsed == is_collapsed
    # It helps no less to have the right latent where another's is of no use at all.
    assert LatentUse(0.5, 0.4, num_dims=36).is_collapsed


def test_nobody_keeps_his_own_latent_and_all_latents_are_given(model):
    images = random_images(model, 64)
    given = []
    score = model.decoder.log_prob

    def remember(image, batch_size, embedding):
        given.append(np.array(embedding))
        return score(image, batch_size=batch_size, embedding=embedding)

    model.decoder.log_prob = remember
    try:
        for count in (2, 3, 64):
            given.clear()
            latent_use.measure(model, images[:count], batch_size=64)
            own, shuffled = given
            assert not (own == shuffled).all(axis=1).any()
            np.testing.assert_array_equal(np.sort(own, 0), np.sort(shuffled, 0))
    finally:
        del model.decoder.log_prob


def test_one_image_alone_is_refused(model, images):
    with pytest.raises(ValueError, match=r"at least two images.*Received: 1"):
        latent_use.measure(model, images[:1], batch_size=8)


# The linear probe, on latents whose labels are known to be in them or not.


class Encoder:
    """Latents of which the first numbers are those of the image."""

    def encode(self, images):
        return tf.constant(images.reshape(len(images), -1).astype("float32"))


def split(count, seed, tells=1.0):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 4, count)
    images = generator.normal(size=(count, 1, 4, 1))
    images[np.arange(count), 0, labels, 0] += 6 * tells
    return LabelledImages(images, labels)


def test_labels_that_a_plane_divides_are_found():
    assert latent_use.probe_accuracy(Encoder(), split(400, 0), split(200, 1)) > 0.95


def test_labels_that_are_not_in_the_latent_are_guessed():
    train, test = split(400, 0, tells=0), split(400, 1, tells=0)
    assert 0.15 < latent_use.probe_accuracy(Encoder(), train, test) < 0.35


def test_images_without_labels_have_no_accuracy():
    images, labels = split(40, 0)
    unlabelled = LabelledImages(images, np.full(40, -1))
    one_class = LabelledImages(images, labels * 0)
    assert latent_use.probe_accuracy(Encoder(), unlabelled, unlabelled) is None
    assert latent_use.probe_accuracy(Encoder(), one_class, unlabelled) is None
