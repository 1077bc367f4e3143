"""Tests of the auto-encoder: what depends on what, and all its verbs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from tests.models.autoencoder.small_autoencoder import (
    LATENT_DIM,
    LEVELS,
    SHAPE,
    new_autoencoder,
)
from tests.models.base.two_devices import run_on_two_devices
from tests.test_case import check_normalised, losses_of, op_by_op, random_images

pytestmark = pytest.mark.op_by_op


@pytest.fixture(scope="module")
def model():
    return new_autoencoder()


@pytest.fixture(scope="module")
def images(model):
    return random_images(model, 5).astype("uint8")


# What depends on what.


def test_every_parameter_depends_on_all_of_the_latent(model, images):
    latent = np.random.default_rng(0).normal(size=(20, LATENT_DIM))
    latent = tf.constant(latent, tf.float32)
    images = np.repeat(images, 4, axis=0)
    with tf.GradientTape() as tape:
        tape.watch(latent)
        parameters = model.decoder({"image": images, "embedding": latent})
        first_levels = tf.reshape(parameters[..., 0], [20, -1])
    gradients = tape.batch_jacobian(first_levels, latent).numpy()
    assert (gradients != 0).any(axis=0).all()


def test_the_latent_depends_on_every_pixel_of_its_image_and_on_no_other(model):
    found = np.zeros((LATENT_DIM, *SHAPE), bool)
    for seed in range(4):
        values = np.random.default_rng(seed).uniform(0, LEVELS - 1, (2, *SHAPE))
        image = tf.constant(values, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(image)
            latent = model.encoder(image)
        gradients = tape.jacobian(latent, image).numpy()
        assert not gradients[0, :, 1].any() and not gradients[1, :, 0].any()
        found |= (gradients[0, :, 0] != 0) | (gradients[1, :, 1] != 0)
    assert found.all()


@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_gradients_reach_the_encoder(beta, images):
    model = new_autoencoder(beta=beta)
    with tf.GradientTape() as tape:
        losses = losses_of(model, {"image": images}, training=True)
        loss = tf.reduce_mean(losses.loss)
    weights = [weight.value for weight in model.encoder.trainable_variables]
    for gradient in tape.gradient(loss, weights):
        assert np.abs(gradient).max() > 0


# Guidance.


def test_guidance_of_0_leaves_the_latent_aside_and_1_is_as_trained(images):
    model = new_autoencoder(condition_dropout=0.5)
    assert type(model).from_config(model.get_config()).decoder.condition_dropout == 0.5
    latent = model.encode(images)
    plain = model.decode(latent, seed=1)
    np.testing.assert_array_equal(
        plain, model.decode(latent, seed=1, guidance_scale=1.0)
    )
    without = model.decode(latent, seed=1, guidance_scale=0.0)
    other = model.decode(-latent, seed=1, guidance_scale=0.0)
    np.testing.assert_array_equal(without, other)
    assert (plain.numpy() != without.numpy()).any()


def test_the_latent_is_dropped_in_training_alone(images):
    model = new_autoencoder(condition_dropout=0.9)
    given = model({"image": images})
    assert np.abs(model({"image": images}, training=True) - given).max() > 1e-3
    score = model.decoder.log_prob(
        images, **model.latent_conditions(model.encode(images))
    )
    np.testing.assert_allclose(model.log_prob(images), score, rtol=1e-5)


def test_guidance_without_condition_dropout_is_refused(model, images):
    with pytest.raises(ValueError, match="condition_dropout above 0"):
        model.reconstruct(images, guidance_scale=2.0)


# Scores.


def test_given_one_latent_the_probabilities_of_all_images_sum_to_1():
    model = new_autoencoder((2, 3, 1), 2)
    check_normalised(model.decoder, embedding=model.encode(np.ones((1, 2, 3, 1)))[0])


def test_log_prob_is_the_decoder_s_given_each_image_s_latent(model, images):
    latent = model.encode(images)
    assert latent.dtype == tf.float32 and latent.shape == (5, LATENT_DIM)
    expected = model.decoder.log_prob(images, embedding=latent)
    np.testing.assert_allclose(model.log_prob(images), expected, rtol=1e-5)
    other = model.decoder.log_prob(images, embedding=tf.roll(latent, 1, axis=0))
    assert np.abs(other - expected).min() > 0.01


@pytest.mark.op_by_op(False)
def test_fit_and_evaluate_show_bits_per_dim(model, images):
    model.compile(keras.optimizers.SGD(0.0))
    expected = kp.bits_per_dim(model.log_prob(images), 45).numpy().mean()
    shown = model.evaluate(images, batch_size=2, verbose=0, return_dict=True)
    assert shown == pytest.approx({"loss": expected, "bits_per_dim": expected})
    history = model.fit({"image": images}, batch_size=5, verbose=0).history
    assert history["bits_per_dim"] == [pytest.approx(expected, rel=1e-5)]


def test_flops_are_those_of_both_networks(model):
    # 3x3 convolutions on 5x3 and 3x2 pixels, then a dense layer.
    encoder = 15 * 9 * 3 * 8 + 6 * 9 * 8 * 16 + 96 * LATENT_DIM
    assert model.flops() == 2 * encoder + model.decoder.flops()


# Drawing.


def test_one_latent_gives_many_images_and_one_seed_the_same_one(model, images):
    latent = model.encode(images)
    drawn = model.decode(latent[0], seed=3, num_samples=6).numpy()
    assert drawn.dtype == "uint8" and drawn.shape == (6, *SHAPE)
    assert len({image.tobytes() for image in drawn}) == 6
    seeds = kp.example_seeds(3, 6)
    again = model.decode(tf.repeat(latent[:1], 2, axis=0), seeds[2:4]).numpy()
    assert (again == drawn[2:4]).all(axis=(1, 2, 3)).any()


def test_a_map_of_the_latent_tells_each_pixel_something_else(images):
    model = new_autoencoder(map_filters=2)
    conditions = model.latent_conditions(model.encode(images))
    assert conditions["spatial"].shape == (5, 3, 2, 2)
    expected = model.decoder.log_prob(images, **conditions)
    np.testing.assert_allclose(model.log_prob(images), expected, rtol=1e-5)
    # Where all that a pixel sees is alike, only the map tells pixels apart.
    encoded = model.decoder.condition_encoder(conditions)["spatial"].numpy()
    assert np.ptp(encoded, axis=(1, 2)).max() > 0.1
    drawn = model.decode(model.encode(images), 3)
    latent = model.encode(images)[1]
    again = model.decode(latent, kp.example_seeds(3, 2)[1:], num_samples=1)
    np.testing.assert_array_equal(again[0], drawn[1])


def test_reconstruct_decodes_what_encode_says(model, images):
    expected = model.decode(model.encode(images), 7, 0.8)
    np.testing.assert_array_equal(model.reconstruct(images, 7, 0.8), expected)


def test_interpolate_begins_and_ends_with_the_images_own_latents(model, images):
    way = model.interpolate(images[:2], images[2:4], 3, seed=5)
    assert way.shape == (2, 3, *SHAPE)
    latent = model.encode(images)
    seeds = kp.example_seeds(5, 2)
    for place, ends in ((0, latent[:2]), (2, latent[2:4])):
        same = way[:, place] == model.decode(ends, seeds)
        assert np.all(same, axis=(1, 2, 3)).any()
    alone = model.interpolate(images[0], images[2], 3, seed=seeds[:1])
    assert alone.shape == (3, *SHAPE)
    assert np.all(alone == way[0], axis=(1, 2, 3)).sum() >= 2


@pytest.mark.op_by_op(False)
def test_the_verbs_work_in_a_graph(model, images):
    @tf.function
    def run(image, seed):
        return (
            model.encode(image),
            model.reconstruct(image, seed),
            model.log_prob(image),
        )

    latent, drawn, nats = run(tf.constant(images, tf.int32), 4)
    with op_by_op():
        np.testing.assert_allclose(latent, model.encode(images), rtol=1e-5, atol=1e-6)
        same = np.all(drawn == model.reconstruct(images, 4), axis=(1, 2, 3))
        assert same.sum() >= 4
        np.testing.assert_allclose(nats, model.log_prob(images), rtol=1e-5)


def test_no_images_have_no_latents(model):
    empty = np.zeros((0, *SHAPE), "uint8")
    assert model.encode(empty).shape == (0, LATENT_DIM)
    assert model.log_prob(empty).shape == (0,)
    assert model.reconstruct(empty, 1).shape == (0, *SHAPE)


# Saving, precision, devices.


def test_saves_and_loads_without_custom_objects(images, tmp_path):
    model = new_autoencoder()
    before = model.encode(images)
    model.compile("adam")
    model.fit(images, verbose=0)
    assert not np.allclose(model.encode(images), before)
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.models.load_model(path)
    assert loaded.get_config() == model.get_config()
    np.testing.assert_array_equal(loaded.encode(images), model.encode(images))
    for each in (model, loaded):
        each.fit(images, verbose=0)
    np.testing.assert_allclose(loaded.encode(images), model.encode(images), 1e-4, 1e-5)


def test_every_kind_is_made_again_from_its_config_and_weights(images, tmp_path):
    model = new_autoencoder(
        beta=0.5,
        likelihood="logistic_mixture",
        dropout_rate=0.1,
        map_filters=2,
        positions=True,
        vertical_gain=2.0,
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    ours, theirs = (losses_of(m, {"image": images}) for m in (model, loaded))
    np.testing.assert_array_equal(ours.loss, theirs.loss)


@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_an_encoder_of_ones_own_is_saved_with_the_model(beta, images, tmp_path):
    layers = [keras.Input(SHAPE), keras.layers.Flatten()]
    own = keras.Sequential([*layers, keras.layers.Dense(LATENT_DIM * (1 + (beta > 0)))])
    model = new_autoencoder(beta=beta, encoder=own)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(again.encoder, keras.Sequential)
    np.testing.assert_allclose(again.encode(images), own(images)[:, :LATENT_DIM], 1e-6)
    assert new_autoencoder().get_config()["encoder"] is None
    with pytest.raises(NotImplementedError, match="multiply_adds"):
        model.flops()


def test_an_encoder_of_other_vectors_is_refused():
    own = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(LATENT_DIM + 1)])
    with pytest.raises(ValueError, match=f"vectors of length {LATENT_DIM}, .*Received"):
        new_autoencoder(encoder=own)


def test_latents_and_scores_stay_float32_in_low_precision(model, images):
    low = new_autoencoder(dtype="mixed_float16")
    low.set_weights(model.get_weights())
    latent, nats = low.encode(images), low.log_prob(images)
    assert latent.dtype == nats.dtype == tf.float32
    np.testing.assert_allclose(latent, model.encode(images), atol=0.1)
    np.testing.assert_allclose(nats, model.log_prob(images), rtol=0.05)
    low.compile("adam")
    assert np.isfinite(low.fit(images, verbose=0).history["loss"][0])


def test_two_replicas_train_as_one_device():
    """And those of a variational one draw each their own noise."""
    run_on_two_devices(f"""
from tests.models.autoencoder.small_autoencoder import new_autoencoder
from tests.test_case import losses_of

images = np.random.default_rng(0).integers(0, {LEVELS}, (11, *{SHAPE}))

def train(strategy):
    with strategy.scope():
        model = new_autoencoder(num_blocks=1)
        model.compile(keras.optimizers.SGD(0.1, global_clipnorm=0.1))
    model.fit(images, batch_size=6, shuffle=False, verbose=0)
    return model

one, two = train(tf.distribute.get_strategy()), train(mirrored)
for ours, theirs in zip(one.get_weights(), two.get_weights()):
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
with mirrored.scope():
    drawing = new_autoencoder(num_blocks=1, beta=1.0)
same = {{"image": tf.zeros([2, *{SHAPE}], tf.int32)}}
losses = mirrored.run(lambda: losses_of(drawing, same, training=True).loss)
assert not np.array_equal(*[value.numpy() for value in losses.values])
""")


# Errors.


@pytest.mark.parametrize(
    ("argument", "value", "sentence"),
    [
        ("latent_dim", 0, "latent_dim must be an integer of at least 1"),
        ("map_filters", 0, "map_filters must be an integer of at least 1"),
        ("encoder_filters", 1.5, "encoder_filters must be an integer"),
        ("beta", -1, r"beta must be a finite number.*beta=-1"),
        ("beta", "no", r"beta must be a finite number.*beta='no'"),
        ("filters", 4, "filters"),
    ],
)
def test_arguments_out_of_their_ranges_are_told(argument, value, sentence):
    with pytest.raises(ValueError, match=sentence):
        new_autoencoder(**{argument: value})


@pytest.mark.parametrize(
    ("latent", "sentence"),
    [
        (np.zeros(3), r"shape \(4,\) or \(batch, 4\).*Received: .*\(3,\)"),
        (np.zeros((2, 2, 4)), r"shape \(4,\)"),
        ([np.nan, 0, 0, 0], r"finite numbers\. Received: nan"),
        (["a"] * 4, "values of type"),
    ],
)
def test_latents_that_are_none_are_told(model, latent, sentence):
    with pytest.raises(ValueError, match=sentence):
        model.decode(latent, seed=1)


def test_images_that_are_none_are_told(model, images):
    for verb in (model.encode, model.log_prob, model.reconstruct):
        with pytest.raises(ValueError, match=r"integers in \[0, 5\).*Received: 5"):
            verb(np.full((1, *SHAPE), 5))
    with pytest.raises(ValueError, match=r"one shape.*\(5, 3, 3\) and \(5, 5, 3, 3\)"):
        model.interpolate(images[0], images)
    with pytest.raises(ValueError, match="batch_size must be an integer of at least 1"):
        model.encode(images, batch_size=0)
