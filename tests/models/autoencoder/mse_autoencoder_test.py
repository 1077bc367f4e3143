"""Tests of the baseline: the same encoder, all pixels at once."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from tests.test_case import random_images, randomize

SHAPE, LEVELS = (7, 5, 2), 6


@pytest.fixture(scope="module")
def model():
    return randomize(kp.MSEAutoencoder(SHAPE, LEVELS, 3, encoder_filters=4), scale=0.3)


@pytest.fixture(scope="module")
def images(model):
    return random_images(model, 5)


def test_the_error_is_that_of_values_scaled_to_1(model, images):
    outputs = model(images).numpy()
    assert outputs.shape == (5, *SHAPE) and outputs.dtype == "float32"
    assert 0 <= outputs.min() < outputs.max() <= 1
    expected = np.square(outputs - images / 5).mean()
    model.compile()
    for batch_size in (2, 5):
        shown = model.evaluate(
            images, batch_size=batch_size, verbose=0, return_dict=True
        )
        both = {"loss": expected, "mean_squared_error": expected}
        assert shown == pytest.approx(both, rel=1e-5)


def test_decode_gives_the_nearest_levels_of_what_encode_says(model, images):
    latent = model.encode(images)
    assert latent.dtype == tf.float32 and latent.shape == (5, 3)
    found = model.decode(latent)
    assert found.dtype == tf.uint8
    np.testing.assert_array_equal(found, np.rint(model(images) * 5))
    np.testing.assert_array_equal(model.reconstruct(images), found)
    np.testing.assert_array_equal(model.decode(latent[1]), found[1:2])
    way = model.interpolate(images[0], images[1], 3)
    np.testing.assert_array_equal(way[::2], found[:2])
    way = model.interpolate(images[:2], images[2:4], 3)
    np.testing.assert_array_equal(way[:, 2], found[2:4])


def test_no_images_have_no_latents_and_give_no_images(model, images):
    none = model.reconstruct(images[:0])
    assert none.shape == (0, *SHAPE) and none.dtype == tf.uint8
    assert model.decode(np.zeros((0, 3))).shape == (0, *SHAPE)
    assert model.interpolate(images[:0], images[:0], 3).shape == (0, 3, *SHAPE)


@pytest.mark.parametrize("batch_size", [None, 2.5, "4", True, 0])
def test_a_batch_size_that_is_none_is_told(model, images, batch_size):
    with pytest.raises(
        ValueError, match=r"batch_size must be an int.*batch_size="
    ) as e:
        model.encode(images, batch_size)
    assert str(e.value).endswith(f"batch_size={batch_size!r}")


def test_saves_and_loads_without_custom_objects(images, tmp_path):
    model = kp.MSEAutoencoder(SHAPE, LEVELS, 3, 4, decoder_filters=6)
    model.compile("adam")
    before = model.encode(images)
    model.fit(tf.data.Dataset.from_tensors({"image": images}), verbose=0)
    assert not np.allclose(model.encode(images), before)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    np.testing.assert_array_equal(loaded(images), model(images))
    assert loaded.optimizer.iterations == 1


def test_latents_and_pixels_stay_float32_in_low_precision(model, images):
    low = kp.MSEAutoencoder(SHAPE, LEVELS, 3, 4, dtype="mixed_bfloat16")
    low.set_weights(model.get_weights())
    assert low.encode(images).dtype == low(images).dtype == "float32"
    np.testing.assert_allclose(low(images), model(images), atol=0.1)


@pytest.mark.parametrize("shape", [(1, 1, 1), (4, 4, 3), (1, 9, 1), (28, 28, 1)])
def test_any_size_comes_out_as_it_went_in(shape):
    model = kp.MSEAutoencoder(shape, 4, 2, encoder_filters=2)
    assert model.output.shape == (None, *shape)
    assert model(random_images(model, 2)).shape == (2, *shape)


def test_what_is_wrong_is_told(model):
    with pytest.raises(ValueError, match=r"num_levels must be .*num_levels=1"):
        kp.MSEAutoencoder(SHAPE, 1)
    with pytest.raises(ValueError, match="decoder_filters must be an integer"):
        kp.MSEAutoencoder(SHAPE, decoder_filters=0)
    with pytest.raises(ValueError, match=r"shape \(3,\) or \(batch, 3\)"):
        model.decode(np.zeros(4))
    with pytest.raises(ValueError, match="mean_squared_error"):
        model.compile(loss="mse")


@pytest.mark.parametrize("level", [0.5, LEVELS])
def test_graphs_look_at_the_levels(model, level):
    image = tf.fill((2, *SHAPE), float(level))
    for verb in (model.encode, model.reconstruct):
        graph = tf.function(verb)
        with pytest.raises(tf.errors.InvalidArgumentError, match="must hold integers"):
            graph(image)
