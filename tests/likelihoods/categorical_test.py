import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn import likelihoods

ALMOST_ONE = 1 - 2.0**-24


def draw(logits, uniforms, temperature=1.0):
    logits = tf.constant(logits, tf.float32)
    likelihood = likelihoods.Categorical(logits.shape[-1])
    temperatures = tf.fill([len(logits)], temperature)
    return likelihood.sample(logits, tf.constant(uniforms, tf.float32), temperatures)


def test_values_out_of_range_have_no_probability():
    nats = likelihoods.Categorical(3).log_prob(tf.zeros([4, 3]), [-1, 3, 300, 1])
    np.testing.assert_allclose(nats, [-np.inf, -np.inf, -np.inf, -np.log(3)])


@pytest.mark.parametrize("offset", [-1e4, 0.0, 1e4])
def test_weights_of_levels_are_the_probabilities_in_proportion(offset):
    logits = tf.random.stateless_normal([3, 256], [1, 2], stddev=5.0)
    weights = likelihoods.Categorical(256).level_weights(logits + offset)
    shares = weights / tf.reduce_sum(weights, axis=-1, keepdims=True)
    np.testing.assert_allclose(shares, tf.nn.softmax(logits), rtol=5e-3, atol=1e-6)
    np.testing.assert_array_equal(tf.reduce_max(weights, axis=-1), np.ones(3))


@pytest.mark.parametrize("num_levels", [2, 64, 65, 256, 65_536])
def test_sample_inverts_the_cumulative_distribution(num_levels):
    count = 500 if num_levels < 2000 else 50
    logits = np.random.default_rng(0).normal(size=(1, num_levels)) * 3
    uniforms = np.random.default_rng(1).uniform(size=count).astype("float32")
    probabilities = np.exp(logits[0].astype("float32").astype("float64"))
    cumulative = np.cumsum(probabilities / probabilities.sum())
    drawn = draw(np.repeat(logits, count, axis=0), uniforms).numpy()
    expected = np.searchsorted(cumulative, uniforms, side="right")
    edge = np.min(np.abs(cumulative - uniforms[:, None]), axis=1) < 2e-6
    assert edge.mean() < 0.5
    np.testing.assert_array_equal(drawn[~edge], expected[~edge])


@pytest.mark.parametrize("num_levels", [5, 256])
def test_extreme_noise_draws_the_first_and_the_last_level(num_levels):
    logits = np.zeros((2, num_levels))
    assert draw(logits, [0.0, ALMOST_ONE]).numpy().tolist() == [0, num_levels - 1]


def test_temperature_divides_the_logits():
    logits = np.random.default_rng(0).normal(size=(200, 256)) * 2
    uniforms = np.random.default_rng(1).uniform(size=200)
    np.testing.assert_array_equal(
        draw(logits, uniforms, temperature=0.5), draw(logits * 2, uniforms)
    )


@pytest.mark.parametrize("num_levels", [1, 0, -3, 65_537])
def test_refuses_levels_out_of_range(num_levels):
    with pytest.raises(ValueError, match=f"from 2 to 65,536.*{num_levels}"):
        likelihoods.Categorical(num_levels)


def test_unknown_likelihood_names_those_there_are():
    with pytest.raises(ValueError, match=r"\['categorical'.*\].*'gaussian'"):
        likelihoods.get("gaussian", 256)


@pytest.mark.parametrize("num_levels", [5, 256])
def test_lowest_temperature_draws_the_likeliest_level(num_levels):
    """Large logits over a tiny temperature once overflowed and drew level 0."""
    logits = np.zeros((1, num_levels))
    logits[0, 3] = 50.0
    for temperature in (1e-37, 1e-38, 1e-40, 1e-45):  # the last three as subnormals
        assert draw(logits, [0.5], temperature=temperature).numpy() == [3]


def test_logits_of_another_shape_are_told():
    likelihood = likelihoods.get("categorical", 5)
    for logits in (0.0, tf.zeros([3, 4])):
        with pytest.raises(ValueError, match=r"logits must have the shape \(..., 5\)"):
            likelihood.log_prob(logits, 0)
        with pytest.raises(ValueError, match=r"logits must have the shape \(..., 5\)"):
            likelihood.sample(tf.convert_to_tensor(logits), tf.zeros([3]), tf.ones([3]))


class TestTopP:
    """Only the fewest likeliest levels that have the probability."""

    def shares(self, logits, top_p, temperature=1.0, count=20_000):
        likelihood = likelihoods.Categorical(len(logits))
        noise = np.random.default_rng(0).random(count, "float32")
        drawn = likelihood.sample(
            tf.repeat(tf.constant([logits], tf.float32), count, axis=0),
            tf.constant(noise),
            tf.fill([count], temperature),
            None if top_p is None else tf.fill([count], top_p),
        )
        return np.bincount(drawn, minlength=len(logits)) / count

    @pytest.mark.parametrize(
        ("top_p", "kept"),
        [
            (1.0, [0, 1, 2, 3]),
            (0.95, [0, 1, 2, 3]),
            (0.85, [0, 1, 3]),
            (0.6, [1, 3]),
            (0.4, [1]),
            (1e-06, [1]),
        ],
    )
    def test_keeps_as_few_as_have_the_probability(self, top_p, kept):
        probabilities = np.array([0.2, 0.45, 0.1, 0.25])
        expected = np.where(np.isin(range(4), kept), probabilities, 0)
        found = self.shares(np.log(probabilities), top_p)
        np.testing.assert_allclose(found, expected / expected.sum(), atol=0.015)
        assert np.all(found[expected == 0] == 0)

    def test_comes_after_the_temperature(self):
        logits = np.log([0.2, 0.45, 0.1, 0.25])
        assert np.count_nonzero(self.shares(logits, 0.6, temperature=100.0)) == 3

    @pytest.mark.parametrize("levels", [2, 64, 65, 300])
    def test_of_1_changes_nothing(self, levels):
        logits = np.random.default_rng(1).normal(size=levels) * 5
        np.testing.assert_array_equal(
            self.shares(logits, 1.0, count=2000), self.shares(logits, None, count=2000)
        )

    def test_each_example_has_its_own(self):
        logits = tf.constant([[0.0, 1.0, 2.0]] * 400)
        top_p = tf.constant([1e-3, 1.0] * 200)
        noise = tf.repeat(tf.linspace(0.0, 0.999, 200), 2)
        drawn = (
            likelihoods.Categorical(3)
            .sample(logits, noise, tf.ones([400]), top_p)
            .numpy()
        )
        assert set(drawn[::2]) == {2} and set(drawn[1::2]) == {0, 1, 2}


@pytest.mark.parametrize(
    ("num_levels", "jit_compile"), [(17, False), (65, True), (256, False), (300, True)]
)
def test_no_noise_draws_what_is_impossible(num_levels, jit_compile):
    """Noise at the edges of its range and of the levels, with XLA and without."""
    likelihood = likelihoods.get("categorical", num_levels)
    numbers = np.random.default_rng(0)
    logits = numbers.normal(size=(512, num_levels)).astype("float32")
    logits[numbers.random(logits.shape) < 0.5] = -np.inf
    logits[:, 0] = 0.0
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    edges = np.cumsum(weights, axis=-1, dtype="float32")
    chosen = numbers.integers(0, num_levels, 512)
    edge = edges[np.arange(512), chosen] / edges[:, -1]
    largest = np.float32(1 - 2**-24)
    noise = np.minimum(np.floor(edge * 2**24) / 2**24, largest).astype("float32")
    noise[:64] = largest
    draw = tf.function(likelihood.sample, jit_compile=jit_compile)
    levels = draw(tf.constant(logits), tf.constant(noise), tf.ones([512])).numpy()
    assert levels.min() >= 0 and levels.max() < num_levels
    assert np.all(np.isfinite(logits[np.arange(512), levels]))


@pytest.mark.parametrize(
    ("offset", "jit_compile"), [(0.0, False), (1e4, True), (-1e4, False)]
)
def test_log_prob_and_its_gradient(offset, jit_compile):
    likelihood = likelihoods.get("categorical", 40)
    logits = tf.random.normal([3, 2, 40]) * 5 + offset
    values = tf.constant([[0, 39], [7, 8], [-1, 40]])
    weights = tf.constant([[1.0, 2.0], [3.0, 0.0], [0.0, 0.0]])

    @tf.function(jit_compile=jit_compile)
    def run(logits):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            nats = likelihood.log_prob(logits, values)
            total = tf.reduce_sum(nats[:2] * weights[:2])
        return nats, tape.gradient(total, logits)

    nats, gradient = run(logits)
    exact = logits.numpy().astype("float64")
    exact -= np.log(np.exp(exact - offset).sum(-1, keepdims=True)) + offset
    one_hot = np.eye(40)[np.clip(values, 0, 39)]
    np.testing.assert_allclose(nats[:2], (exact * one_hot).sum(-1)[:2], atol=1e-5)
    assert np.all(np.isneginf(nats[2]))
    expected = weights[..., np.newaxis] * (one_hot - np.exp(exact))
    np.testing.assert_allclose(gradient, expected, atol=1e-5)


def test_a_likelihood_of_ones_own_is_known_by_its_name():
    class Reversed(likelihoods.Categorical):
        name = "reversed_for_this_test"

        def log_prob(self, logits, values):
            return super().log_prob(logits[..., ::-1], values)

    found = likelihoods.get("reversed_for_this_test", 5, 2)
    assert isinstance(found, Reversed) and found.identifier == Reversed.name
    model = kp.GatedPixelCNN(
        (3, 2, 1), 4, filters=2, num_blocks=1, likelihood="reversed_for_this_test"
    )
    assert isinstance(model.pixel_likelihood, Reversed)
    assert model.get_config()["likelihood"] == Reversed.name
    with pytest.raises(ValueError, match=r"name of its own.*'categorical'"):
        type("Mine", (likelihoods.Categorical,), {"name": "categorical"})


class Tempered(likelihoods.Categorical):
    """A softmax at another temperature, for the tests below."""

    name = "tempered_for_these_tests"

    def __init__(self, num_levels, channels=1, temperature=1.0):
        super().__init__(num_levels, channels)
        self.temperature = temperature

    @property
    def identifier(self):
        return {"name": self.name, "temperature": self.temperature}

    def log_prob(self, logits, values):
        return super().log_prob(logits / self.temperature, values)


@pytest.mark.op_by_op
def test_a_likelihood_itself_is_taken_and_saved(tmp_path):
    likelihood = Tempered(4, temperature=2.0)
    config = {"num_levels": 4, "channels": 1, "temperature": 2.0}
    assert likelihood.get_config() == config
    serialized = {"class_name": "Tempered", "config": config}
    assert likelihoods.get(serialized, 4).identifier == likelihood.identifier
    model = kp.GatedPixelCNN(
        (3, 2, 1), 4, filters=2, num_blocks=1, likelihood=likelihood
    )
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(again.pixel_likelihood, Tempered)
    assert again.pixel_likelihood.temperature == 2.0
    images = np.zeros((2, 3, 2, 1), int)
    np.testing.assert_allclose(again.log_prob(images), model.log_prob(images))


def test_a_likelihood_that_a_model_could_not_be_saved_with_is_refused():
    class Nameless(likelihoods.Categorical):
        pass

    class Forgetful(Tempered):
        name = "forgetful_for_this_test"
        identifier = name

    for wrong, sentence in (
        (Nameless(4), "own name.*Nameless"),
        (Forgetful(4, temperature=3.0), "own name.*Forgetful"),
        (likelihoods.Categorical(5), "model's 4 levels"),
        ({"class_name": "Nothing", "config": {}}, "import the module"),
    ):
        with pytest.raises(ValueError, match=sentence):
            likelihoods.get(wrong, 4)
