"""Checks that every layer, likelihood and model of the package is put through."""

import itertools
import math
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.samplers import example_seeds, raster_scan


def randomize(model, seed=0, scale=0.5):
    """Gives a fresh model weights far from their initial values, biases included."""
    generator = np.random.default_rng(seed)
    for weight in model.trainable_weights:
        fan_in = math.prod(weight.shape[:-1]) if len(weight.shape) > 1 else 1
        values = generator.normal(size=weight.shape) * scale * 3 / math.sqrt(fan_in)
        weight.assign(values)
    return model


def random_images(model, count, seed=0):
    """Uniform random images of the model's shape and levels."""
    generator = np.random.default_rng(seed)
    return generator.integers(0, model.num_levels, (count, *model.image_shape))


def all_images(image_shape, num_levels):
    """Every image there is: (num_levels ** dimensions, *image_shape)."""
    dims = math.prod(image_shape)
    images = list(itertools.product(range(num_levels), repeat=dims))
    return np.array(images, "int32").reshape(-1, *image_shape)


def round_trip(keras_object):
    """Rebuilds a layer or model from its own config, without custom objects."""
    config = keras.saving.serialize_keras_object(keras_object)
    return keras.saving.deserialize_keras_object(config)


def check_layer(layer, *inputs):
    """Config, shapes, low precision and saving, as for every layer.

    Returns the layer's outputs as a list.
    """
    outputs = layer(*inputs)
    copy = round_trip(layer)
    assert copy.get_config() == layer.get_config()
    copy(*inputs)
    copy.set_weights(layer.get_weights())
    for ours, theirs in zip(tf.nest.flatten(outputs), tf.nest.flatten(copy(*inputs))):
        np.testing.assert_array_equal(ours, theirs)

    symbolic = layer(*[keras.KerasTensor((None, *x.shape[1:])) for x in inputs])
    for ours, theirs in zip(tf.nest.flatten(outputs), tf.nest.flatten(symbolic)):
        assert tuple(theirs.shape) == (None, *ours.shape[1:])

    config = {**layer.get_config(), "dtype": "mixed_bfloat16"}
    low = type(layer).from_config(config)
    low(*inputs)
    low.set_weights(layer.get_weights())
    for ours, theirs in zip(tf.nest.flatten(outputs), tf.nest.flatten(low(*inputs))):
        assert theirs.dtype == "bfloat16"
        np.testing.assert_allclose(ours, tf.cast(theirs, tf.float32), atol=0.15)
    return tf.nest.flatten(outputs)


def dependencies(model, training=False, tries=6):
    """Which encoded inputs each output depends on, by gradients.

    One backward pass for all: the image is repeated once an output, and each copy's
    gradient is that of one output. Several tries, since a ReLU may be shut in one.

    Returns:
        Booleans (height, width, channels, height, width, channels): outputs by inputs.
    """
    shape, dims = model.image_shape, math.prod(model.image_shape)
    network = keras.Model(model.get_layer("encoding").output, model.output)
    generator = np.random.default_rng(0)
    found = np.zeros((dims, dims), bool)
    for _ in range(tries):
        image = tf.constant(generator.uniform(-1, 1, (1, *shape)), tf.float32)
        images = tf.repeat(image, dims, axis=0)
        with tf.GradientTape() as tape:
            tape.watch(images)
            parameters = network(images, training=training)
            weights = tf.random.normal(parameters.shape[1:], seed=1)
            outputs = tf.reduce_sum(parameters * weights, axis=-1)
            own = tf.linalg.diag_part(tf.reshape(outputs, [dims, dims]))
        gradients = tape.gradient(own, images)
        found |= tf.reshape(gradients, [dims, dims]).numpy() != 0
    return found.reshape(*shape, *shape)


def expected_dependencies(image_shape, reach):
    """Every earlier channel of every earlier pixel within `reach` rows and columns."""
    height, width, channels = image_shape
    expected = np.zeros((*image_shape, *image_shape), bool)
    places = list(itertools.product(range(height), range(width), range(channels)))
    for (row, column, channel), (above, left, other) in itertools.product(
        places, repeat=2
    ):
        within = row - above <= reach and abs(column - left) <= reach
        earlier = (above, left, other) < (row, column, channel)
        expected[row, column, channel, above, left, other] = within and earlier
    return expected


def stepped_parameters(model, images):
    """The parameters that the raster scan computes when it is told the images."""
    images = tf.constant(images, tf.int32)
    found = np.zeros((*images.shape, model.num_levels), "float32")

    def draw(row, column, channel, parameters):
        found[:, row, column, channel] = parameters
        return images[:, row, column, channel]

    told = raster_scan(model.scan_steps(), draw, model.image_shape, len(images))
    np.testing.assert_array_equal(told, images)
    return found


def check_steps_equal_whole(model, count=3, tolerance=2e-4, least=0.1):
    """Both ways of running a model give the same parameters."""
    images = random_images(model, count)
    whole = model(images, training=False)
    # Parameters that are all alike would agree however the steps are wrong.
    assert np.ptp(whole.numpy()) >= least
    np.testing.assert_allclose(
        stepped_parameters(model, images), whole, atol=tolerance, rtol=tolerance
    )


def check_normalised(model):
    """The probabilities of all images sum to 1."""
    images = all_images(model.image_shape, model.num_levels)
    log_prob = model.log_prob(images).numpy().astype("float64")
    assert np.ptp(log_prob) > 1
    assert abs(np.exp(log_prob).sum() - 1) < 1e-5


def check_sample_counts(model, count=20_000, **kwargs):
    """A chi-square test of how often each image is drawn."""
    from scipy import stats

    images = all_images(model.image_shape, model.num_levels)
    expected = np.exp(model.log_prob(images).numpy().astype("float64")) * count
    drawn = model.sample(count, seed=1, **kwargs).numpy().reshape(count, -1)
    index = drawn @ model.num_levels ** np.arange(drawn.shape[1])[::-1]
    counts = np.bincount(index, minlength=len(images))
    frequent = expected >= 5
    counts = [*counts[frequent], counts[~frequent].sum()]
    expected = [*expected[frequent], expected[~frequent].sum()]
    if expected[-1] < 1:
        counts, expected = counts[:-1], expected[:-1]
    expected = np.array(expected) * sum(counts) / sum(expected)
    assert stats.chisquare(counts, expected).pvalue > 1e-3


def check_seeds_and_units(model):
    """One seed, one image; integers in range; nats and bits; no dropout."""
    many = model.sample(9, seed=5).numpy()
    assert many.dtype == ("uint8" if model.num_levels <= 256 else "int32")
    assert many.min() >= 0 and many.max() < model.num_levels
    for few in (model.sample(2, seed=5), model.sample(2, example_seeds(5, 9)[:2])):
        # A draw on the very edge of two levels may flip one image.
        assert np.all(few.numpy() == many[:2], axis=(1, 2, 3)).any()
    images = random_images(model, 4)
    nats = model.log_prob(images).numpy()
    np.testing.assert_array_equal(model.log_prob(images), nats)
    logits = model(images, training=False).numpy().astype("float64")
    logits -= np.log(np.exp(logits).sum(-1, keepdims=True))
    by_hand = np.take_along_axis(logits, images[..., None], -1).sum((1, 2, 3, 4))
    np.testing.assert_allclose(nats, by_hand, rtol=1e-5)
    if not model.compiled:
        model.compile()
    bits = model.evaluate(images, batch_size=3, verbose=0, return_dict=True)
    dims = math.prod(model.image_shape)
    expected = -by_hand.mean() / (dims * math.log(2))
    np.testing.assert_allclose(bits["bits_per_dim"], expected, rtol=1e-5)


def check_exported(model, folder):
    """The signatures lead with the batch, check their inputs and agree with Python."""
    model.export(folder, verbose=False)
    signatures = tf.saved_model.load(folder).signatures
    for signature in signatures.values():
        inputs = signature.structured_input_signature[1]
        for spec in (*inputs.values(), *signature.structured_outputs.values()):
            assert spec.shape[0] is None
    seeds = tf.constant([3, -4, 5], tf.int64)
    drawn = signatures["sample"](seed=seeds, temperature=tf.ones([3]))["image"]
    same = np.all(drawn == model.sample(3, seeds), axis=(1, 2, 3))
    assert same.sum() >= 2
    images = tf.cast(drawn, tf.int32)
    nats = signatures["log_prob"](image=images)["log_prob"]
    np.testing.assert_allclose(nats, model.log_prob(drawn), rtol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="image must hold"):
        signatures["log_prob"](image=images * 0 - 1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="temperature must be"):
        signatures["sample"](seed=seeds, temperature=tf.zeros([3]))


def check_saved(model, folder, images):
    """A saved and loaded model scores alike, with no custom objects, in safe mode."""
    path = os.path.join(folder, "model.keras")
    model.save(path)
    loaded = keras.models.load_model(path)
    assert loaded.get_config() == model.get_config()
    np.testing.assert_array_equal(loaded.log_prob(images), model.log_prob(images))
    return loaded
