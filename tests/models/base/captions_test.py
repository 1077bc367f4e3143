"""Tests of captions as users give them: sentences, or the numbers of their words."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from tests.test_case import op_by_op, random_images, randomize

pytestmark = pytest.mark.op_by_op

WORDS = ["a", "blue", "circle", "red", "square"]
TEXTS = ["A red square.", "a blue circle", ""]
IDS = [[2, 5, 6, 0], [2, 3, 4, 0], [0, 0, 0, 0]]


def make_model(vocabulary=WORDS, **arguments):
    arguments = {"filters": 4, "num_blocks": 1, "caption_length": 4, **arguments}
    return randomize(kp.GatedPixelCNN((3, 4, 1), 5, vocabulary=vocabulary, **arguments))


@pytest.fixture(scope="module")
def model():
    return make_model(condition_dropout=0.2)


def test_words_are_numbered_as_keras_does(model):
    ids = model.conditions.prepare({"caption": TEXTS}, 3)["caption"]
    np.testing.assert_array_equal(ids, IDS)
    layer = keras.layers.TextVectorization(output_sequence_length=4, vocabulary=WORDS)
    np.testing.assert_array_equal(layer(TEXTS), IDS)


@pytest.mark.parametrize(
    "given", [TEXTS, np.array(TEXTS), np.array(TEXTS, object), tf.constant(TEXTS)]
)
def test_sentences_are_what_their_numbers_are(model, given):
    images = random_images(model, 3)
    expected = model.log_prob(images, caption=IDS)
    assert len(np.unique(expected.numpy() - model.log_prob(images))) == 3
    np.testing.assert_array_equal(model.log_prob(images, caption=given), expected)
    whole = model({"image": images, "caption": given})
    np.testing.assert_array_equal(whole, model({"image": images, "caption": IDS}))


def test_samples_follow_the_number_of_captions(model):
    drawn = model.sample(caption=TEXTS, seed=1)
    assert drawn.shape == (3, 3, 4, 1)
    np.testing.assert_array_equal(drawn, model.sample(caption=IDS, seed=1))
    one = model.sample(3, seed=1, caption=TEXTS[0], guidance_scale=2.0)
    assert one.shape == (3, 3, 4, 1)
    assert model.sample(seed=1, caption=TEXTS[0]).shape[0] == 1


@pytest.mark.op_by_op(False)
def test_sentences_may_come_in_a_graph_and_in_a_data_set():
    model = make_model()
    images = random_images(model, 3)
    expected = model.log_prob(images, caption=IDS)
    features = {"image": images, "caption": TEXTS}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def log_prob(texts):
        return model.log_prob(images, caption=texts)

    np.testing.assert_allclose(log_prob(tf.constant(TEXTS)), expected, rtol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="caption must hold"):
        log_prob(tf.constant(["a green square", "", ""]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="caption must hold"):
        log_prob(tf.constant(["a a a a a", "", ""]))
    model.compile("adam")
    data = tf.data.Dataset.from_tensor_slices(features).batch(2)
    found = model.evaluate(data, return_dict=True, verbose=0)["bits_per_dim"]
    bits = kp.bits_per_dim(expected, model.num_dims)
    assert found == pytest.approx(np.mean(bits), rel=1e-5)
    features["caption"] = np.array(TEXTS)
    with op_by_op():
        assert np.isfinite(model.fit(features, verbose=0).history["loss"])


@pytest.mark.op_by_op(False)
def test_a_stream_is_read_with_the_same_captions(model):
    codec = kp.codecs.PixelCNNCodec(model)
    images = random_images(model, 3)
    data = codec.compress(images, caption=TEXTS)
    np.testing.assert_array_equal(codec.decompress(data, caption=IDS), images)


def test_unknown_words_are_let_in_by_a_vocabulary_that_has_a_place_for_them():
    layer = keras.layers.TextVectorization()
    layer.adapt(["red square", "red circle"])
    model = make_model(layer.get_vocabulary())
    ids = model.conditions.prepare({"caption": ["green square"]}, 1)["caption"]
    np.testing.assert_array_equal(ids[0, :2], layer(["green square"])[0])
    assert ids[0, 0] == 1


@pytest.mark.parametrize(
    ("options", "are_alike"),
    [
        ({"standardize": None}, False),
        ({"split": "character", "standardize": "lower"}, True),
        ({"ngrams": 2}, True),
    ],
)
def test_a_vectoriser_of_ones_own_is_used_and_saved(options, are_alike, tmp_path):
    layer = keras.layers.TextVectorization(**options)
    layer.adapt(["Red up", "red Up"])
    model = make_model(layer, caption_length=7)
    texts = ["Red up", "red up"]
    expected = np.array(layer(texts))
    images = random_images(model, 2)
    keras.models.clone_model(model)
    model.save(tmp_path / "model.keras")
    for each in (model, kp.load_model(tmp_path / "model.keras")):
        ids = each.conditions.prepare({"caption": texts}, 2)["caption"].numpy()
        np.testing.assert_array_equal(ids[:, : expected.shape[1]], expected)
        assert not ids[:, expected.shape[1] :].any()
        assert each.get_config()["vocabulary"] == model.get_config()["vocabulary"]
        np.testing.assert_array_equal(
            each.log_prob(images, caption=texts), model.log_prob(images, caption=texts)
        )
    assert (expected[0] == expected[1]).all() == are_alike


@pytest.mark.parametrize(
    "caption",
    ["a green square", "a a a a a", [2, 3], [[2, 3, 4, 7]], [[1, 0, 0, 0]], [[-1] * 4]],
)
def test_what_the_model_does_not_know_is_refused(model, caption):
    with pytest.raises(ValueError, match=r"caption must (have|hold).*Received: "):
        model.sample(1, caption=caption)


def test_the_sentence_that_is_wrong_is_named(model):
    sentence = "at most 4 words that the model knows, .* Received: 'a green square'"
    with pytest.raises(ValueError, match=sentence):
        model.sample(2, caption=["a red square", "a green square"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"vocabulary": WORDS}, "go together"),
        ({"caption_length": 4}, "go together"),
        ({"vocabulary": [], "caption_length": 4}, "different words.*Received"),
        ({"vocabulary": "red blue", "caption_length": 4}, "different words"),
        ({"vocabulary": ["a", "a"], "caption_length": 4}, "different words"),
        ({"vocabulary": ["", "a"], "caption_length": 4}, "different words"),
        ({"vocabulary": WORDS, "caption_length": 0}, "at least 1.*caption_length=0"),
        (
            {"vocabulary": keras.layers.TextVectorization(), "caption_length": 4},
            "different words",
        ),
        (
            {
                "vocabulary": keras.layers.TextVectorization(output_mode="multi_hot"),
                "caption_length": 4,
            },
            "output_mode=.int.*'multi_hot'",
        ),
    ],
)
def test_wrong_vocabularies_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kp.GatedPixelCNN((3, 4, 1), 5, filters=4, num_blocks=1, **arguments)
