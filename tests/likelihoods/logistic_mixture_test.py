"""The discretised mixture of logistics, against float64 and against itself."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn import likelihoods
from keras_pixelcnn.likelihoods import discretized_logistic
from tests.likelihoods import logistic_reference

ALMOST_ONE = 1 - 2.0**-24
LEVELS = [2, 5, 256, 65_536]


def grid(num_levels):
    """Levels (n,), locations far below to far above, log scales from -50 to 20."""
    generator = np.random.default_rng(0)
    places = [-1e6, -1e3, -0.5, 0, 0.499999, 0.5, num_levels / 2, num_levels - 1, 1e6]
    loc = np.concatenate([places, generator.uniform(-1, 2, 9) * num_levels])
    levels = np.arange(num_levels)
    if num_levels > 1000:
        edges = [0, 1, num_levels // 2, num_levels - 2, num_levels - 1]
        levels = np.unique([*edges, *generator.integers(0, num_levels, 40)])
    grids = np.meshgrid(loc, np.linspace(-50, 20, 36), levels, indexing="ij")
    return [tf.constant(x, tf.float32) for x in grids]


@pytest.mark.parametrize("num_levels", LEVELS)
def test_one_component_is_as_in_float64(num_levels):
    """Log probabilities to 1e-5 of themselves, and finite gradients, at every scale."""
    loc, log_scale, levels = inputs = grid(num_levels)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        nats = discretized_logistic.log_prob(levels, loc, log_scale, num_levels)
    for gradient in tape.gradient(nats, inputs):
        assert np.all(np.isfinite(gradient))
    exact = logistic_reference.level_log_prob(levels, loc, log_scale, num_levels)
    assert exact.min() < -1e20 and exact.max() > -1e-30
    np.testing.assert_allclose(nats, exact, rtol=1e-5, atol=1e-37)


@pytest.mark.parametrize(("num_levels", "length"), [(2, 1), (40, 7), (256, 16)])
def test_weights_of_runs_are_as_in_float64(num_levels, length):
    """However small, of long runs and of the single levels in one of them."""
    generator = np.random.default_rng(0)
    loc = generator.uniform(-1, 2, (300, 1)) * num_levels
    log_scale = generator.uniform(-20, 10, (300, 1))
    loc, log_scale = loc.astype("float32"), log_scale.astype("float32")
    exact = logistic_reference.level_log_prob(
        np.arange(num_levels), loc, log_scale, num_levels
    )
    exact = np.pad(np.exp(exact), [[0, 0], [0, -num_levels % length]])
    exact = exact.reshape(300, -1, length)
    inverse_scale = np.clip(np.exp(-log_scale.astype("float64")), 1e-30, 1e30)
    mixture = (np.ones_like(loc), loc, inverse_scale.astype("float32"), num_levels)
    mixture = [tf.constant(part) for part in mixture[:3]] + [num_levels]
    runs = discretized_logistic.run_weights(0.0, length, exact.shape[1], *mixture)
    tolerance = {"rtol": 2e-5, "atol": 1e-35}
    np.testing.assert_allclose(runs, exact.sum(-1), **tolerance)
    chosen = generator.integers(0, exact.shape[1], 300)
    first = tf.constant(chosen[:, np.newaxis] * length, tf.float32)
    levels = discretized_logistic.run_weights(first, 1, length, *mixture)
    np.testing.assert_allclose(levels, exact[range(300), chosen], **tolerance)


@pytest.mark.parametrize("num_levels", LEVELS[:3])
def test_probabilities_of_all_levels_sum_to_1(num_levels):
    loc, log_scale, levels = grid(num_levels)
    nats = discretized_logistic.log_prob(levels, loc, log_scale, num_levels)
    total = np.exp(nats.numpy().astype("float64")).sum(axis=-1)
    np.testing.assert_allclose(total, np.ones_like(total), atol=1e-5)


def test_probabilities_of_65536_levels_sum_to_1():
    levels = tf.range(65_536, dtype=tf.float32)
    scales = np.linspace(-50, 20, 15, dtype="float32")[:, np.newaxis]
    for loc in (-1e6, 0.3, 40_000.0, 65_535.5, 1e6):
        nats = discretized_logistic.log_prob(levels, loc, scales, 65_536)
        total = np.exp(nats.numpy().astype("float64")).sum(axis=-1)
        np.testing.assert_allclose(total, np.ones(15), atol=1e-5)


@pytest.mark.parametrize("log_scale", [-50.0, -3.0, 0.0, 20.0, 40.0, 60.0])
@pytest.mark.parametrize("distance", [3e8, 1e12, 1e20])
def test_far_locations_count_for_what_they_are(log_scale, distance):
    """But for nats so many that images could not sum them."""
    inputs = [
        tf.constant([0.0, 2.0, 4.0]),
        tf.constant(distance),
        tf.constant(log_scale),
    ]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        nats = discretized_logistic.log_prob(*inputs, 5)
    for found in (nats, *tape.gradient(nats, inputs)):
        assert np.all(np.isfinite(found))
    edges = (np.array([0.5, 3.5]) - np.float64(inputs[1])) / np.exp(log_scale)
    exact = -np.logaddexp(0, [-1, 1] * edges)
    if exact[0] < -1e30:
        assert nats[0] < -1e29
        exact[0] = nats[0]
    np.testing.assert_allclose(nats.numpy()[[0, 2]], exact, rtol=1e-5, atol=1e-37)


@pytest.mark.parametrize("log_scale", [-1e30, -90.0, 90.0, 1e30])
def test_nothing_breaks_beyond_the_scales_that_floats_have(log_scale):
    inputs = [tf.constant([0.0, 3.0, 4.0]), tf.constant(2.0), tf.constant(log_scale)]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        nats = discretized_logistic.log_prob(*inputs, 5)
    for found in (nats, *tape.gradient(nats, inputs)):
        assert np.all(np.isfinite(found))


def random_parameters(likelihood, count, scale=1.0, seed=0):
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(count, *likelihood.pixel_shape)) * scale
    return values.astype("float32")


@pytest.mark.parametrize("num_levels", LEVELS)
@pytest.mark.parametrize(("channels", "num_mixtures"), [(1, 10), (3, 5), (4, 1)])
def test_pixels_are_as_in_float64(num_levels, channels, num_mixtures):
    likelihood = likelihoods.LogisticMixture(num_levels, channels, num_mixtures)
    parameters = random_parameters(likelihood, 300)
    values = np.random.default_rng(1).integers(0, num_levels, (300, channels))
    exact = logistic_reference.log_prob(
        parameters, values, num_levels, channels, num_mixtures
    )
    nats = likelihood.log_prob(tf.constant(parameters), values)
    np.testing.assert_allclose(nats, exact, rtol=1e-5, atol=2e-6)


def test_gradients_are_finite_however_wild_the_parameters():
    likelihood = likelihoods.LogisticMixture(256, 3, 4)
    parameters = tf.constant(random_parameters(likelihood, 200, scale=1e4))
    values = np.random.default_rng(1).integers(0, 256, (200, 3))
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        nats = likelihood.log_prob(parameters, values)
    assert np.all(np.isfinite(nats)) and nats.numpy().max() <= 0
    assert np.all(np.isfinite(tape.gradient(nats, parameters)))


def test_values_out_of_range_have_no_probability():
    likelihood = likelihoods.LogisticMixture(3, 2)
    values = [[-1, 0], [0, 3], [300, 1], [1, 2]]
    nats = likelihood.log_prob(tf.zeros([4, *likelihood.pixel_shape]), values)
    assert np.isneginf(nats).tolist() == [True, True, True, False]


@pytest.mark.parametrize("num_levels", [4, 40])
def test_chain_of_channels_is_the_joint_distribution(num_levels):
    """What `channel_parameters` gives, one channel after the other."""
    likelihood = likelihoods.LogisticMixture(num_levels, 3, 4)
    parameters = tf.constant(random_parameters(likelihood, 50))
    values = np.random.default_rng(1).integers(0, num_levels, (50, 3)).astype("int32")
    total = 0.0
    for channel in range(3):
        before = [tf.constant(values[:, earlier]) for earlier in range(channel)]
        own = likelihood.channel_parameters(parameters, before)
        assert own.shape == (50, 12)
        logits, loc, log_scale = np.split(own.numpy().astype("float64"), 3, axis=-1)
        level = values[:, channel, np.newaxis]
        nats = logistic_reference.level_log_prob(level, loc, log_scale, num_levels)
        nats += logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
        total += np.logaddexp.reduce(nats, axis=-1)
    np.testing.assert_allclose(
        likelihood.log_prob(parameters, values), total, rtol=1e-5, atol=1e-5
    )


def level_probabilities(own, num_levels, temperature=1.0):
    """Of one channel with parameters (1, 3 K), in float64."""
    logits, loc, log_scale = np.split(np.asarray(own).astype("float64"), 3, axis=-1)
    nats = logistic_reference.level_log_prob(
        np.arange(num_levels)[:, np.newaxis],
        loc,
        log_scale + np.log(temperature),
        num_levels,
    )
    logits = logits / temperature
    logits -= np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    return np.exp(nats + logits).sum(axis=-1)


@pytest.mark.parametrize("num_levels", [2, 256, 4097, 65_536])
def test_weights_of_levels_are_the_probabilities_in_proportion(num_levels):
    likelihood = likelihoods.LogisticMixture(num_levels)
    parameters = random_parameters(likelihood, 5)
    own = likelihood.channel_parameters(parameters, [])
    weights = likelihood.level_weights(own).numpy()
    assert weights.shape == (5, num_levels)
    shares = weights / weights.sum(axis=-1, keepdims=True)
    expected = [level_probabilities(one, num_levels) for one in own.numpy()]
    np.testing.assert_allclose(shares, expected, rtol=1e-4, atol=1e-9)


def draw(likelihood, own, uniforms, temperature=1.0, **kwargs):
    count = len(uniforms)
    return likelihood.sample(
        tf.repeat(tf.constant(own, tf.float32), count, axis=0),
        tf.constant(uniforms, tf.float32),
        tf.fill([count], temperature),
        **{name: tf.fill([count], value) for name, value in kwargs.items()},
    ).numpy()


@pytest.mark.parametrize("num_levels", [2, 17, 24, 25, 100, 256, 1000, 65_536])
@pytest.mark.parametrize("temperature", [1.0, 0.3, 4.0])
def test_sample_inverts_the_cumulative_distribution(num_levels, temperature):
    likelihood = likelihoods.LogisticMixture(num_levels, num_mixtures=3)
    parameters = tf.constant(random_parameters(likelihood, 1, scale=0.5))
    own = likelihood.channel_parameters(parameters, [])
    uniforms = np.random.default_rng(1).uniform(size=500).astype("float32")
    cumulative = np.cumsum(level_probabilities(own, num_levels, temperature))
    drawn = draw(likelihood, own, uniforms, temperature)
    expected = np.searchsorted(cumulative, uniforms, side="right")
    edge = np.min(np.abs(cumulative - uniforms[:, None]), axis=1) < 2e-6
    assert edge.mean() < 0.5
    np.testing.assert_array_equal(drawn[~edge], expected[~edge])
    if num_levels <= 1000:  # the same through the table of levels
        drawn = draw(likelihood, own, uniforms, temperature, top_p=1.0)
        np.testing.assert_array_equal(drawn[~edge], expected[~edge])


@pytest.mark.parametrize("num_levels", [5, 25, 200, 256])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_never_draws_a_level_of_probability_zero(num_levels, jit_compile):
    """Narrow components far apart, noise at the edges of its range and of levels."""
    generator = np.random.default_rng(0)
    likelihood = likelihoods.LogisticMixture(num_levels, num_mixtures=3)
    logits = generator.normal(size=(512, 3)) * 20
    loc = generator.integers(-2, num_levels + 2, (512, 3))
    log_scale = generator.uniform(-50, 2, (512, 3))
    own = np.concatenate([logits, loc, log_scale], axis=-1).astype("float32")
    exact = np.stack([level_probabilities(one[None], num_levels) for one in own])
    edges = np.cumsum(exact, axis=-1)[
        range(512), generator.integers(0, num_levels, 512)
    ]
    noise = np.minimum(np.floor(edges * 2**24) / 2**24, ALMOST_ONE).astype("float32")
    noise[:64], noise[64:128] = ALMOST_ONE, 0.0
    sample = tf.function(likelihood.sample, jit_compile=jit_compile)
    drawn = sample(tf.constant(own), tf.constant(noise), tf.ones([512])).numpy()
    assert drawn.min() >= 0 and drawn.max() < num_levels
    assert exact[range(512), drawn].min() > 1e-38
    assert np.mean(exact < 1e-38) > 0.3  # there were such levels


@pytest.mark.parametrize("num_levels", [5, 256])
def test_lowest_temperature_draws_the_likeliest_component_at_its_mode(num_levels):
    likelihood = likelihoods.LogisticMixture(num_levels, num_mixtures=2)
    own = [[0.0, 5.0, 1.0, 3.2, 2.0, 2.0]]
    assert draw(likelihood, own, [0.0, 0.5, ALMOST_ONE], 1e-37).tolist() == [3, 3, 3]


def test_top_p_keeps_the_likeliest_levels():
    likelihood = likelihoods.LogisticMixture(256, num_mixtures=1)
    own = [[0.0, 100.0, 2.0]]
    probabilities = level_probabilities(own, 256)
    uniforms = np.random.default_rng(0).random(4000)
    drawn = draw(likelihood, own, uniforms, top_p=0.5)
    kept = np.unique(drawn)
    assert probabilities[kept].sum() >= 0.5
    assert np.sort(probabilities[kept])[1:].sum() < 0.5
    assert probabilities[kept].min() >= np.delete(probabilities, kept).max()


def test_guidance_of_1_and_0_are_the_two_models():
    likelihood = likelihoods.LogisticMixture(256, num_mixtures=2)
    pair = tf.constant(
        [[0.0, 1.0, 50.0, 60.0, 1.0, 2.0], [1.0, 0.0, 200.0, 9.0, 2.0, 1]]
    )
    conditional, unconditional = (tf.repeat(one[None], 200, axis=0) for one in pair)
    uniforms = tf.random.stateless_uniform([200], [1, 2])
    for temperature in (1.0, 0.5):
        for scale, expected in ((1.0, conditional), (0.0, unconditional)):
            drawn = likelihood.sample_guided(
                conditional,
                unconditional,
                tf.fill([200], scale),
                uniforms,
                tf.fill([200], temperature),
            )
            plain = likelihood.sample(expected, uniforms, tf.fill([200], temperature))
            assert np.mean(drawn == plain) > 0.99


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"num_levels": 1}, "from 2 to 65,536.*1"),
        ({"num_levels": 65_537}, "from 2 to 65,536.*65537"),
        ({"channels": 0}, "channels must be an integer of at least 1.*0"),
        ({"num_mixtures": 0}, "num_mixtures must be an integer of at least 1.*0"),
        ({"num_mixtures": 2.5}, "num_mixtures must be an integer.*2.5"),
    ],
)
def test_refuses(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        likelihoods.LogisticMixture(**{"num_levels": 256, **arguments})


def test_a_name_or_a_dict_says_which_likelihood():
    named = likelihoods.get("logistic_mixture", 256, 3)
    assert named.num_mixtures == 10 and named.identifier == "logistic_mixture"
    assert named.pixel_shape == (100,) and named.color_groups == 1
    identifier = {"name": "logistic_mixture", "num_mixtures": 5}
    given = likelihoods.get(identifier, 256, 3)
    assert given.num_mixtures == 5 and given.identifier == identifier
    for wrong in ({"name": "gaussian"}, {}, {"num_mixtures": 5}, None, 3):
        with pytest.raises(ValueError, match="likelihood must be one of"):
            likelihoods.get(wrong, 256)
    with pytest.raises(ValueError, match=r"no such arguments.*mixtures"):
        likelihoods.get({"name": "logistic_mixture", "mixtures": 5}, 256)


@pytest.mark.parametrize(
    ("num_levels", "channels"), [(2, 1), (256, 1), (256, 3), (17, 4)]
)
def test_a_fresh_network_is_near_to_uniform(num_levels, channels):
    """Zeros: components lie apart and cover the range, so that training starts well."""
    likelihood = likelihoods.LogisticMixture(num_levels, channels)
    zeros = tf.zeros([1, *likelihood.pixel_shape])
    mixture = likelihood.mixture(zeros)
    assert np.unique(mixture.loc[0, 0]).size == 10
    assert np.all((mixture.loc > -0.5) & (mixture.loc < num_levels - 0.5))
    levels = np.arange(num_levels)
    greys = np.repeat(levels[:, np.newaxis], channels, axis=1)
    own = likelihood.channel_parameters(zeros, [])
    probabilities = level_probabilities(own, num_levels)
    # The first and the last level get what lies beyond.
    assert probabilities.min() * num_levels > 0.5
    assert num_levels < 256 or probabilities[[0, -1]].max() < 0.1
    nats = likelihood.log_prob(tf.repeat(zeros, num_levels, axis=0), greys)
    assert -np.mean(nats) / channels < np.log(num_levels) + 0.3


def test_learns_a_narrow_distribution():
    """From a fresh network's outputs to one level of 256."""
    likelihood = likelihoods.LogisticMixture(256, 1, 3)
    parameters = tf.Variable(tf.zeros([1, *likelihood.pixel_shape]))
    optimizer = keras.optimizers.Adam(0.1)

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(likelihood.log_prob(parameters, [[77]]))
        optimizer.apply_gradients([(tape.gradient(loss, parameters), parameters)])
        return loss

    optimizer.build([parameters])
    losses = [step().numpy() for _ in range(300)]
    assert losses[0] < 7 and losses[-1] < 0.05
