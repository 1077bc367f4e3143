"""Checks that every layer, likelihood and model must pass, and what they build on."""

import contextlib
import itertools
import math
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.receptive_field import dependencies, network_of_encoded
from keras_pixelcnn.samplers import BatchSlices, example_seeds, example_uniforms
from tests.likelihoods import logistic_reference

__all__ = ["dependencies", "network_of_encoded"]  # as the library has them


@contextlib.contextmanager
def op_by_op():
    """Lets verbs make no graphs: a model that is asked once answers seconds sooner."""
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


class Batches(keras.utils.PyDataset):
    """A list of batches, as Keras's own kind of data set."""

    def __init__(self, batches):
        super().__init__()
        self._batches = [x if isinstance(x, tuple) else (x,) for x in batches]

    def __len__(self):
        return len(self._batches)

    def __getitem__(self, index):
        return self._batches[index]


def randomize(model, seed=0, scale=0.5):
    """Gives a fresh model weights far from their initial values, biases included."""
    generator = np.random.default_rng(seed)
    for weight in model.trainable_weights:
        fan_in = math.prod(weight.shape[:-1]) if len(weight.shape) > 1 else 1
        values = generator.normal(size=weight.shape) * scale * 3 / math.sqrt(fan_in)
        weight.assign(values)
    return model


def random_images(model, count, seed=0):
    """Draws uniform images of the model's shape and levels."""
    generator = np.random.default_rng(seed)
    return generator.integers(0, model.num_levels, (count, *model.image_shape))


def random_conditions(model, count, seed=0):
    """Draws a condition for each image, by name; {} where the model takes none."""
    generator = np.random.default_rng(seed)
    return model.conditions.random_values(generator, count)


def first_of(conditions, count):
    """Returns the conditions of the first images."""
    return {name: value[:count] for name, value in conditions.items()}


def all_images(image_shape, num_levels):
    """Lists all images there are: (num_levels ** dimensions, *image_shape)."""
    dims = math.prod(image_shape)
    images = list(itertools.product(range(num_levels), repeat=dims))
    return np.array(images, "int32").reshape(-1, *image_shape)


def round_trip(keras_object):
    """Rebuilds a layer or model from its own config, without custom objects."""
    config = keras.saving.serialize_keras_object(keras_object)
    return keras.saving.deserialize_keras_object(config)


def check_layer(layer, *inputs):
    """Checks a layer's config, shapes, low precision and saving.

    Returns the layer's outputs as a list.
    """
    outputs = layer(*inputs)
    copy = round_trip(layer)
    assert copy.get_config() == layer.get_config()
    copy(*inputs)
    copy.set_weights(layer.get_weights())
    for ours, theirs in zip(tf.nest.flatten(outputs), tf.nest.flatten(copy(*inputs))):
        np.testing.assert_array_equal(ours, theirs)

    symbolic = layer(
        *tf.nest.map_structure(
            lambda x: keras.KerasTensor((None, *x.shape[1:]), x.dtype.name), inputs
        )
    )
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


def expected_dependencies(image_shape, reach):
    """Returns the earlier channels of pixels within `reach` rows and columns."""
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


def stepped_parameters(model, images, **conditions):
    """Runs the scan by steps on given images, and returns the channels' parameters.

    Floats (batch, height, width, channels, n).
    """
    images = tf.constant(images, tf.int32)
    given = model.conditions.prepare(conditions, len(images))
    found = {}

    def draw(index, row):
        def draw_value(column, channel, parameters):
            found[int(row), int(column), channel] = parameters
            return images[:, row, column, channel]

        return draw_value

    (told,) = model.scan_by_steps(draw, given, BatchSlices(len(images)))
    np.testing.assert_array_equal(told, images)
    ordered = [
        found[place] for place in itertools.product(*map(range, images.shape[1:]))
    ]
    return np.stack(ordered, axis=1).reshape(*images.shape, -1)


def channels_of(model, parameters, images):
    """Splits the parameters of a whole pass into those of each channel."""
    likelihood = model.pixel_likelihood
    pixels = tf.reshape(parameters, [-1, *likelihood.pixel_shape])
    values = np.reshape(images, [-1, likelihood.channels]).astype("int32").T
    channels = [
        likelihood.channel_parameters(pixels, list(values[:channel]))
        for channel in range(likelihood.channels)
    ]
    return np.stack(channels, axis=1).reshape(*np.shape(images), -1)


def log_prob_by_hand(model, parameters, images):
    """Computes the log probability from a whole pass, in float64: (batch,)."""
    likelihood = model.pixel_likelihood
    if likelihood.name == "logistic_mixture":
        sizes = (likelihood.num_levels, likelihood.channels, likelihood.num_mixtures)
        return logistic_reference.log_prob(parameters, images, *sizes).sum((1, 2))
    logits = np.asarray(parameters).astype("float64")
    if likelihood.name == "two_sided_geometric":
        centre, width = np.split(logits, 2, axis=-1)
        centre = (likelihood.num_levels - 1) / (1 + np.exp(-centre))
        levels = np.arange(likelihood.num_levels)
        logits = -np.abs(levels - centre) / (0.05 + np.logaddexp(0, width))
    elif likelihood.name != "categorical":
        raise NotImplementedError(f"Compute {likelihood.name!r} here, in another way.")
    logits -= logits.max(-1, keepdims=True)
    logits -= np.log(np.exp(logits).sum(-1, keepdims=True))
    return np.take_along_axis(logits, images[..., None], -1).sum((1, 2, 3, 4))


def check_steps_equal_whole(model, count=3, tolerance=2e-4, least=0.1):
    """Checks that both ways of running a model give the same parameters."""
    images, conditions = random_images(model, count), random_conditions(model, count)
    whole = model({"image": images, **conditions}, training=False)
    # Parameters that are all alike would agree however the steps are wrong.
    assert np.ptp(whole.numpy()) >= least
    np.testing.assert_allclose(
        stepped_parameters(model, images, **conditions),
        channels_of(model, whole, images),
        atol=tolerance,
        rtol=tolerance,
    )


def check_normalised(model, **condition):
    """Checks that the probabilities of all images sum to 1, under a condition."""
    images = all_images(model.image_shape, model.num_levels)
    log_prob = model.log_prob(images, **condition).numpy().astype("float64")
    assert np.ptp(log_prob) > 1
    assert abs(np.exp(log_prob).sum() - 1) < 1e-5


def check_sample_counts(model, count=20_000, sampler=None, **condition):
    """Checks how often each image is drawn, under a condition, by chi-square."""
    images = all_images(model.image_shape, model.num_levels)
    log_prob = model.log_prob(images, **condition).numpy().astype("float64")
    # As `sample` would draw it: that it takes the noise of its seeds is checked apart.
    noise = np.random.default_rng(1).random((count, *model.image_shape), "float32")
    drawn = model.sample_from_noise(noise, sampler=sampler, **condition)
    check_counts(drawn, model.num_levels, np.exp(log_prob))


def check_counts(drawn, num_levels, probabilities):
    """Checks counts by chi-square; the probabilities are those of `all_images`."""
    from scipy import stats

    drawn = drawn.numpy().reshape(len(drawn), -1)
    expected = probabilities * len(drawn)
    index = drawn @ num_levels ** np.arange(drawn.shape[1])[::-1]
    counts = np.bincount(index, minlength=len(expected))
    assert not counts[probabilities == 0].any()
    frequent = expected >= 5
    counts = [*counts[frequent], counts[~frequent].sum()]
    expected = [*expected[frequent], expected[~frequent].sum()]
    if expected[-1] < 1:
        counts, expected = counts[:-1], expected[:-1]
    expected = np.array(expected) * sum(counts) / sum(expected)
    assert stats.chisquare(counts, expected).pvalue > 1e-3


def check_seeds_and_units(model):
    """Checks that a seed is an image, scores are nats, and dropout is off."""
    conditions = random_conditions(model, 9)
    many = model.sample(9, seed=5, **conditions).numpy()
    assert many.dtype == ("uint8" if model.num_levels <= 256 else "int32")
    assert many.min() >= 0 and many.max() < model.num_levels
    noise = example_uniforms(example_seeds(5, 2), model.image_shape)
    drawn = model.sample_from_noise(noise, **first_of(conditions, 2)).numpy()
    # A draw on the very edge of two levels may flip one image.
    assert np.all(drawn == many[:2], axis=(1, 2, 3)).any()
    features, nats = check_nats(model)
    model.compile()
    bits = model.evaluate(features, batch_size=3, verbose=0, return_dict=True)
    expected = -nats.mean() / (math.prod(model.image_shape) * math.log(2))
    np.testing.assert_allclose(bits["bits_per_dim"], expected, rtol=1e-5)


def check_nats(model):
    """Checks `log_prob` by hand; gives a batch's features and nats."""
    images, conditions = random_images(model, 4), random_conditions(model, 4)
    features = {"image": images, **conditions}
    nats = model.log_prob(images, **conditions).numpy()
    np.testing.assert_array_equal(model.log_prob(images, **conditions), nats)
    by_hand = log_prob_by_hand(model, model(features, training=False), images)
    np.testing.assert_allclose(nats, by_hand, rtol=1e-5)
    values = model.log_prob(images, reduce=False, **conditions)
    np.testing.assert_allclose(tf.reduce_sum(values, [1, 2, 3]), nats, rtol=1e-5)
    return features, by_hand


def check_exported(model, folder, signatures=None):
    """Checks that signatures lead with the batch, check inputs and agree with Python.

    All are exported unless some are named; `sample` and `log_prob` must be among them.
    """
    model.export(folder, verbose=False, signatures=signatures)
    signatures = tf.saved_model.load(folder).signatures
    for signature in signatures.values():
        inputs = signature.structured_input_signature[1]
        for spec in (*inputs.values(), *signature.structured_outputs.values()):
            assert spec.shape[0] is None
    seeds, ones = tf.constant([3, -4, 5], tf.int64), tf.ones([3])
    given = model.conditions.tensor_specs()
    given = {
        name: tf.constant(value, given[name].dtype)
        for name, value in random_conditions(model, 3).items()
    }
    if model.conditions.optional and "label" not in given:
        given["has_condition"] = tf.ones([3], tf.int32)
    drawn = signatures["sample"](seed=seeds, temperature=ones, **given)["image"]
    with op_by_op():
        expected = model.sample(3, seeds, **given)
        expected_nats = model.log_prob(drawn, **given)
    assert np.all(drawn == expected, axis=(1, 2, 3)).sum() >= 2
    images = tf.cast(drawn, tf.int32)
    nats = signatures["log_prob"](image=images, **given)["log_prob"]
    np.testing.assert_allclose(nats, expected_nats, rtol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="image must hold"):
        signatures["log_prob"](image=images * 0 - 1, **given)
    with pytest.raises(tf.errors.InvalidArgumentError, match="temperature must be"):
        signatures["sample"](seed=seeds, temperature=ones * 0, **given)
    for name, value in given.items():
        wrong = value + 1_000 if value.dtype.is_integer else value / 0
        wrong = {**given, name: wrong}
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"{name} must hold"):
            signatures["log_prob"](image=images, **wrong)
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"{name} must hold"):
            signatures["sample"](seed=seeds, temperature=ones, **wrong)


def losses_of(model, features, training=False):
    """The losses of a batch, from the features as they are."""
    return model.losses_per_image(model(features, training=training), features)


def check_saved(model, folder, images):
    """Checks that a saved model loads in safe mode and scores alike; returns it."""
    path = os.path.join(folder, "model.keras")
    model.save(path)
    loaded = keras.models.load_model(path)
    assert loaded.get_config() == model.get_config()
    given = random_conditions(model, len(images))
    np.testing.assert_array_equal(
        loaded.log_prob(images, **given), model.log_prob(images, **given)
    )
    return loaded
