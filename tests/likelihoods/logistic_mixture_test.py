"""The discretised mixture of logistics, against float64 and against itself."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn import likelihoods
from tests.likelihoods import logistic_reference

ALMOST_ONE = 1 - 2.0**-24
LEVELS = [2, 5, 256, 65_536]


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


def sharp_pixels(num_levels, channels, num_mixtures, count=2000):
    """Outputs with log scales from -50 to 20, and values near the locations.

    Where a component is sharp and its location next to the edge of a level, all digits
    of its distance from the edge count.
    """
    generator = np.random.default_rng(0)
    likelihood = likelihoods.LogisticMixture(num_levels, channels, num_mixtures)
    shape = (count, likelihood.pixel_shape[0] // num_mixtures, num_mixtures)
    parameters = generator.uniform(-1.2, 1.2, shape).astype("float32")
    scales = slice(1 + channels, 1 + 2 * channels)
    parameters[:, scales] = generator.uniform(-50, 20, parameters[:, scales].shape)
    parameters = parameters.reshape(count, -1)
    values = np.zeros((count, 0), int)
    for _ in range(channels):
        own = likelihood.channel_parameters(tf.constant(parameters), [*values.T])
        near = parts_of(own)[1][:, 0] + generator.uniform(-0.6, 0.6, count)
        near = np.clip(np.round(near), 0, num_levels - 1).astype(int)
        values = np.column_stack([values, near])
    return likelihood, parameters, values


@pytest.mark.parametrize(
    ("num_levels", "channels", "num_mixtures", "jit_compile"),
    [
        (256, 1, 10, False),
        (65_536, 1, 1, False),
        (65_536, 3, 1, False),
        (65_536, 1, 10, True),
        (256, 4, 3, True),
    ],
)
def test_sharp_components_are_as_in_float64(
    num_levels, channels, num_mixtures, jit_compile
):
    """From the same float32 outputs; rounded locations are far from that."""
    likelihood, *pixels = sharp_pixels(num_levels, channels, num_mixtures)
    log_prob = tf.function(likelihood.log_prob, jit_compile=jit_compile)
    nats = log_prob(tf.constant(pixels[0]), tf.constant(pixels[1])).numpy()
    exact = logistic_reference.log_prob(*pixels, num_levels, channels, num_mixtures)
    np.testing.assert_allclose(nats, exact, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_sharp_components_are_drawn_as_they_are_scored(jit_compile):
    """At the edge between the two levels next to a location, of 65,536."""
    likelihood, parameters, _ = sharp_pixels(65_536, 1, 1)
    own = likelihood.channel_parameters(tf.constant(parameters), []).numpy()
    _, loc, log_scale = (part[:, 0] for part in parts_of(own))
    edge = np.floor(loc) + 0.5
    below = 1 / (1 + np.exp(np.clip((loc - edge) / np.exp(log_scale), -50, 50)))
    is_clear = (log_scale < 0) & (loc > 1) & (loc < 65_534)
    is_clear &= (below > 1e-4) & (below < 1 - 1e-4)
    assert is_clear.sum() > 50
    sample = tf.function(likelihood.sample, jit_compile=jit_compile)

    def levels(noise):
        noise = tf.constant(noise, tf.float32)
        drawn = sample(tf.constant(own), noise, tf.ones_like(noise))
        return drawn.numpy()[is_clear] - np.floor(loc)[is_clear]

    assert np.all(levels(below - 2e-6) <= 0) and np.all(levels(below + 2e-6) >= 1)


def test_gradients_are_finite_however_wild_the_parameters():
    likelihood = likelihoods.LogisticMixture(256, 3, 4)
    parameters = tf.constant(random_parameters(likelihood, 200, scale=1e4))
    values = np.random.default_rng(1).integers(0, 256, (200, 3))
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        nats = likelihood.log_prob(parameters, values)
    assert np.all(np.isfinite(nats)) and nats.numpy().max() <= 0
    assert np.all(np.isfinite(tape.gradient(nats, parameters)))


def test_parameters_and_values_of_another_shape_are_told():
    likelihood = likelihoods.LogisticMixture(256, 3, 2)
    for parameters in (0.0, tf.zeros([4, 19])):
        with pytest.raises(ValueError, match=r"parameters .* shape \(..., 20\)"):
            likelihood.log_prob(parameters, [[0, 0, 0]])
    for values in (0, [0, 0]):
        with pytest.raises(ValueError, match=r"values must have the shape \(..., 3\)"):
            likelihood.log_prob(tf.zeros([20]), values)
    with pytest.raises(ValueError, match=r"parameters .* shape \(..., 8\)"):
        likelihood.sample(tf.zeros([4, 6]), tf.zeros([4]), tf.ones([4]))


def test_values_out_of_range_have_no_probability():
    likelihood = likelihoods.LogisticMixture(3, 2)
    values = [[-1, 0], [0, 3], [300, 1], [1, 2]]
    nats = likelihood.log_prob(tf.zeros([4, *likelihood.pixel_shape]), values)
    assert np.isneginf(nats).tolist() == [True, True, True, False]


def parts_of(own):
    """Logits, locations and log scales of a channel's own parameters, in float64."""
    logits, loc, rest, log_scale = np.split(np.asarray(own, "float64"), 4, axis=-1)
    return logits, loc + rest, log_scale


def level_probabilities(own, num_levels, temperature=1.0):
    """Of one channel with parameters (1, 4 K), in float64."""
    logits, loc, log_scale = parts_of(own)
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


@pytest.mark.parametrize(
    ("num_levels", "scale"), [(2, 1.0), (24, 8.0), (25, 1.0), (250, 8.0), (256, 1.0)]
)
def test_choices_lead_to_every_level_by_its_probability(num_levels, scale):
    likelihood = likelihoods.LogisticMixture(num_levels, num_mixtures=3)
    parameters = random_parameters(likelihood, 1, scale)
    own = likelihood.channel_parameters(tf.constant(parameters), [])
    levels, shares, asked = np.arange(num_levels), [], []

    def ask(weights, step):
        weights = weights.numpy()
        assert (weights >= 0).all() and (weights.sum(axis=1) > 0).all()
        digits = levels // step % weights.shape[1]
        shares.append(weights[levels, digits] / weights.sum(axis=1))
        asked.append(weights.shape[1])
        return tf.constant(digits, tf.int32)

    chosen = likelihood.choose_value(tf.repeat(own, num_levels, axis=0), ask)
    np.testing.assert_array_equal(chosen, levels)
    expected = level_probabilities(own.numpy(), num_levels)
    np.testing.assert_allclose(np.prod(shares, axis=0), expected, rtol=1e-4, atol=1e-9)
    assert sum(asked) <= 34


def draw(likelihood, own, uniforms, temperature=1.0, **kwargs):
    count = len(uniforms)
    return likelihood.sample(
        tf.repeat(tf.constant(own, tf.float32), count, axis=0),
        tf.constant(uniforms, tf.float32),
        tf.fill([count], temperature),
        **{name: tf.fill([count], value) for name, value in kwargs.items()},
    ).numpy()


@pytest.mark.parametrize(
    ("num_levels", "temperature"),
    [
        (2, 4.0),
        (24, 1.0),
        (25, 1.0),
        (256, 0.3),
        (256, 4.0),
        (1000, 1.0),
        (65_536, 1.0),
    ],
)
def test_sample_inverts_the_cumulative_distribution(num_levels, temperature):
    likelihood = likelihoods.LogisticMixture(num_levels, num_mixtures=3)
    parameters = tf.constant(random_parameters(likelihood, 1, scale=0.5))
    own = likelihood.channel_parameters(parameters, [])
    count = 500 if num_levels <= 1000 else 50
    uniforms = np.random.default_rng(1).uniform(size=count).astype("float32")
    cumulative = np.cumsum(level_probabilities(own, num_levels, temperature))
    drawn = draw(likelihood, own, uniforms, temperature)
    expected = np.searchsorted(cumulative, uniforms, side="right")
    edge = np.min(np.abs(cumulative - uniforms[:, None]), axis=1) < 2e-6
    assert edge.mean() < 0.5
    np.testing.assert_array_equal(drawn[~edge], expected[~edge])
    if num_levels <= 1000:  # the same through the table of levels
        drawn = draw(likelihood, own, uniforms, temperature, top_p=1.0)
        np.testing.assert_array_equal(drawn[~edge], expected[~edge])


@pytest.mark.parametrize(
    ("num_levels", "jit_compile"), [(5, True), (25, False), (200, False), (256, True)]
)
def test_never_draws_a_level_of_probability_zero(num_levels, jit_compile):
    """Narrow components far apart, noise at the edges of its range and of levels."""
    generator = np.random.default_rng(0)
    likelihood = likelihoods.LogisticMixture(num_levels, num_mixtures=3)
    logits = generator.normal(size=(512, 3)) * 20
    loc = generator.integers(-2, num_levels + 2, (512, 3))
    log_scale = generator.uniform(-50, 2, (512, 3))
    own = np.concatenate([logits, loc, 0 * loc, log_scale], axis=-1).astype("float32")
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
    own = [[0.0, 5.0, 1.0, 3.2, 0.0, 0.0, 2.0, 2.0]]
    for temperature in (1e-37, 1e-38, 1e-40, 1e-45):  # the last three as subnormals
        drawn = draw(likelihood, own, [0.0, 0.5, ALMOST_ONE], temperature)
        assert drawn.tolist() == [3, 3, 3]


def test_top_p_keeps_the_likeliest_levels():
    likelihood = likelihoods.LogisticMixture(256, num_mixtures=1)
    own = [[0.0, 100.0, 0.0, 2.0]]
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
        [
            [0.0, 1.0, 50.0, 60.0, 0.0, 0.0, 1.0, 2.0],
            [1.0, 0.0, 200.0, 9.0, 0.0, 0.0, 2.0, 1.0],
        ]
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
        ({"num_mixtures": True}, "num_mixtures must be an integer.*True"),
        ({"channels": True}, "channels must be an integer.*True"),
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
    # Less and less: steps of 0.1 are 13 levels, which a sharp component is thrown by.
    rate = keras.optimizers.schedules.CosineDecay(0.1, 300)
    optimizer = keras.optimizers.Adam(rate)

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(likelihood.log_prob(parameters, [[77]]))
        optimizer.apply_gradients([(tape.gradient(loss, parameters), parameters)])
        return loss

    optimizer.build([parameters])
    losses = [step().numpy() for _ in range(300)]
    assert losses[0] < 7 and losses[-1] < 0.05


def test_a_channel_is_the_same_in_graphs():
    """Of known and of unknown batch; a graph of the first dropped an axis."""
    likelihood = likelihoods.LogisticMixture(256, 3, 2)
    parameters = tf.constant(random_parameters(likelihood, 5))
    before = [tf.constant([0, 50, 100, 200, 255])] * 2
    eager = likelihood.channel_parameters(parameters, before)
    for size in (5, None):
        signature = [tf.TensorSpec([size, parameters.shape[1]])]
        signature += [tf.TensorSpec([size], tf.int32)] * 2
        graph = tf.function(
            lambda parameters, *values: likelihood.channel_parameters(
                parameters, values
            ),
            input_signature=signature,
        )
        np.testing.assert_allclose(graph(parameters, *before), eager, rtol=1e-5)
