"""Tests of the signatures of auto-encoders; publishing compares their answers."""

import json

import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from tests.models.autoencoder.small_autoencoder import (
    LATENT_DIM,
    SHAPE,
    new_autoencoder,
)
from tests.test_case import random_images, randomize

ROWS = 3
SEEDS = tf.constant([3, -4, 5], tf.int64)
ONES = tf.ones([ROWS])
RANDOM = {"seed": SEEDS, "temperature": ONES}


def exported(model, folder):
    model.export(folder / "1", verbose=False)
    return tf.saved_model.load(folder / "1").signatures


@pytest.fixture(scope="module")
def model():
    return new_autoencoder()


@pytest.fixture(scope="module")
def served(model, tmp_path_factory):
    return exported(model, tmp_path_factory.mktemp("autoencoder"))


@pytest.fixture(scope="module")
def images(model):
    return tf.constant(random_images(model, ROWS), tf.int32)


def test_all_lead_with_the_batch(served):
    assert set(served) == {
        *("encode", "decode", "reconstruct", "interpolate", "log_prob", "metadata"),
        "serving_default",
    }
    for signature in served.values():
        inputs = signature.structured_input_signature[1]
        for spec in (*inputs.values(), *signature.structured_outputs.values()):
            assert spec.shape[0] is None


def test_wrong_inputs_are_answered_with_a_sentence(served, images):
    latent = tf.zeros([ROWS, LATENT_DIM])
    ends = {"image_a": images, "image_b": images, "position": ONES}
    for name, inputs, sentence in (
        ("encode", {"image": images - 9}, "image must hold integers"),
        ("decode", {"latent": latent / 0, **RANDOM}, "latent must hold finite"),
        ("decode", {"latent": latent, "seed": SEEDS, "temperature": -ONES}, "temperat"),
        ("interpolate", {**ends, "image_b": images + 9, **RANDOM}, "image_b must hold"),
        ("interpolate", {**ends, "position": ONES * 2, **RANDOM}, "position must hold"),
        ("reconstruct", {"image": images[:2], **RANDOM}, "equally many"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
            served[name](**inputs)


def test_metadata_says_how_long_a_latent_is(served):
    (text,) = served["metadata"](row=tf.zeros([1], tf.int32))["metadata"].numpy()
    metadata = json.loads(text)
    assert metadata["model"] == "PixelCNNAutoencoder"
    assert metadata["latent_dim"] == LATENT_DIM
    assert metadata["image_shape"] == list(SHAPE)


def test_a_variational_one_serves_its_bound_by_its_name(tmp_path):
    model = new_autoencoder(beta=1.0)
    with pytest.raises(ValueError, match=r"'elbo'\].*Received: \['log_prob'\]"):
        model.export(tmp_path / "1", signatures=["log_prob"])


def test_the_baseline_draws_nothing_and_takes_no_seed(images, tmp_path):
    model = kp.MSEAutoencoder(SHAPE, 5, LATENT_DIM, encoder_filters=4)
    served = exported(randomize(model), tmp_path)
    latent = served["encode"](image=images)["latent"]
    expected = model.reconstruct(images)
    for found in (
        served["decode"](latent=latent),
        served["reconstruct"](image=images),
        served["interpolate"](image_a=images, image_b=images, position=ONES),
    ):
        np.testing.assert_array_equal(found["image"], expected)
