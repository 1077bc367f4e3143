"""The one rule for what conditions are, and the sentences for what they are not."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from tests.models.small_model import new_model
from tests.test_case import Batches, op_by_op, random_conditions, random_images

pytestmark = pytest.mark.op_by_op

ALL = {"num_classes": 3, "embedding_dim": 4, "spatial_shape": (2, 3, 1)}
GOOD = {
    "label": [0, 2],
    "embedding": np.zeros((2, 4)),
    "spatial": np.zeros((2, 2, 3, 1)),
}
# By every verb; doors/conditions_test.py tries values of all types and shapes.
BAD = [
    ("label", [0, 3], r"label must hold integers in \[0, 3\)\. Received: 3"),
    ("label", np.array([2**40, 0]), f"label must hold integers in.*{2**40}"),
    ("label", tf.constant([2**32 - 1, 0], tf.uint32), "label must hold integers in"),
    ("label", np.array([2**63, 0], "uint64"), "label must hold integers in"),
    ("label", [0.0, 1.0], "label must hold integers.*float64"),
    ("label", ["a", "b"], "label must hold integers.*Received: 'a'"),
    ("label", [True, False], "label must hold integers.*bool"),
    ("label", [0, 1, 2], "label must be one for all images.*the 2 images.*(3,)"),
    ("label", [[0], [1]], "label must be one for all images.*(2, 1)"),
    ("embedding", np.zeros((2, 5)), r"embedding must have the shape \(4,\).*\(2, 5\)"),
    ("embedding", np.zeros((3, 4)), "embedding must be one for all images"),
    ("embedding", np.full((2, 4), np.nan), "embedding must hold finite numbers.*nan"),
    ("embedding", [["a"] * 4] * 2, "embedding must hold finite numbers.*type"),
    ("spatial", np.zeros((2, 2, 2, 1)), r"spatial must have the shape \(2, 3, 1\)"),
    ("spatial", np.full((2, 2, 3, 1), np.nan), "spatial must hold finite numbers.*nan"),
]


@pytest.fixture(scope="module")
def all_kinds():
    return new_model(**ALL)


@pytest.mark.parametrize(("name", "value", "sentence"), BAD)
def test_refused_by_every_verb(all_kinds, name, value, sentence):
    images = random_images(all_kinds, 2)
    given = {**GOOD, name: value}
    calls = [
        lambda: all_kinds.log_prob(images, **given),
        lambda: all_kinds.sample(2, seed=1, **given),
        lambda: all_kinds.complete(images, images > 1, seed=1, **given),
        lambda: all_kinds.fit({"image": images, **given}),
        lambda: all_kinds.evaluate({"image": images, **given}),
    ]
    if "one for all" not in sentence:  # other numbers are another batch shape
        calls.append(lambda: all_kinds.distribution(**given))
    for call in calls:
        with pytest.raises(ValueError, match=sentence):
            call()


def test_unknown_conditions_are_named(all_kinds, model, images):
    with pytest.raises(
        ValueError, match=r"takes the conditions \['label'.*\['labels'\]"
    ):
        all_kinds.sample(2, seed=1, labels=[0, 1], **GOOD)
    for call in (model.sample, lambda **given: model.log_prob(images, **given)):
        with pytest.raises(ValueError, match=r"takes no conditions.*\['label'\]"):
            call(label=[0] * 7)
    model.sample(1, seed=1, label=None)  # as if left out


@pytest.fixture(scope="module")
def by_embedding():
    return new_model(embedding_dim=2, head_filters=24)


@pytest.mark.parametrize("of", [keras.Variable, tf.Variable, tf.constant])
def test_embeddings_that_are_trained(by_embedding, of):
    """Those who look for the embedding of an image need its gradient."""
    model = by_embedding
    images, embedding = random_images(model, 3), of(np.ones((3, 2), "float32"))
    with tf.GradientTape() as tape:
        if of is tf.constant:
            tape.watch(embedding)
        nats = model.log_prob(images, embedding=embedding)
    source = embedding.value if of is keras.Variable else embedding
    gradient = tape.gradient(nats, source)
    assert gradient is not None and np.all(np.any(gradient, axis=-1))
    model.distribution(embedding=embedding).log_prob(images)


def test_numbers_that_float16_cannot_hold():
    model = new_model(embedding_dim=2, dtype="mixed_float16")
    with pytest.raises(ValueError, match="finite numbers of at most 65504"):
        model.sample(1, seed=1, embedding=[7e4, 0.0])
    new_model(embedding_dim=2).sample(1, seed=1, embedding=[7e4, 0.0])


@pytest.mark.op_by_op(False)
def test_as_many_images_as_conditions_in_graphs_of_any_batch_size():
    model = new_model(num_classes=3)
    draw = tf.function(
        lambda label: model.sample(label=label, seed=1),
        input_signature=[tf.TensorSpec([None], tf.int32)],
    )
    with op_by_op():
        expected = model.sample(label=[1, 2, 0], seed=1)
    np.testing.assert_array_equal(draw(tf.constant([1, 2, 0])), expected)


class TestHasCondition:
    """Which examples have their condition, where none needs one."""

    def test_tells_examples_apart(self):
        model = new_model(embedding_dim=2, condition_dropout=0.1, head_filters=24)
        images, given = random_images(model, 3), random_conditions(model, 3)
        conditional = model.log_prob(images, **given)
        unconditional = model.log_prob(images)
        assert not np.isclose(conditional, unconditional).any()
        mixed = model.log_prob(images, **given, has_condition=[True, False, True])
        expected = np.where([True, False, True], conditional, unconditional)
        np.testing.assert_allclose(mixed, expected, rtol=1e-5)
        none = model.log_prob(images, **given, has_condition=False)
        np.testing.assert_allclose(none, unconditional, rtol=1e-5)

    def test_is_refused(self):
        model = new_model(embedding_dim=2, condition_dropout=0.1)
        with pytest.raises(ValueError, match="has_condition must hold True or False"):
            model.sample(1, seed=1, embedding=[1.0, 2.0], has_condition=[2])
        with pytest.raises(ValueError, match="has_condition must be one for all"):
            model.sample(1, seed=1, embedding=[1.0, 2.0], has_condition=[1, 0])
        needed = new_model(embedding_dim=2)
        with pytest.raises(ValueError, match=r"Received: .'has_condition'"):
            needed.sample(1, seed=1, embedding=[1.0, 2.0], has_condition=True)


class TestFit:
    """Labels may stand in the dict, beside the images, or in a data set."""

    def test_all_ways_of_giving_labels_train_alike(self):
        model = new_model(num_classes=3)
        images, labels = random_images(model, 8), np.arange(8) % 3
        as_dict = {"image": images, "label": labels}
        sliced = tf.data.Dataset.from_tensor_slices

        ways = {
            "dict": {"x": as_dict, "batch_size": 8},
            "pair": {"x": images, "y": labels, "batch_size": 8},
            "dict and y": {"x": {"image": images}, "y": labels, "batch_size": 8},
            "data set of dicts": {"x": sliced(as_dict).batch(8)},
            "data set of pairs": {"x": sliced((images, labels)).batch(8)},
            "generator of pairs": {
                "x": iter_of((images, labels)),
                "steps_per_epoch": 1,
            },
            "generator of dicts": {"x": iter_of(as_dict), "steps_per_epoch": 1},
            "python data set": {"x": Batches([(images, labels)])},
        }
        model.compile("sgd")
        initial, weights = model.get_weights(), {}
        for name, way in ways.items():
            model.set_weights(initial)
            model.fit(**way, epochs=1, verbose=0, shuffle=False)
            weights[name] = model.get_weights()
        assert any(np.any(a != b) for a, b in zip(initial, weights["dict"]))
        for name in ways:
            for ours, theirs in zip(weights[name], weights["dict"]):
                np.testing.assert_allclose(ours, theirs, atol=1e-6, err_msg=name)

    @pytest.mark.op_by_op(False)
    def test_wrong_labels_are_named_whatever_they_come_in(self):
        """Else a fused ReLU may hide what is not a number, and spoil the weights."""
        model = new_model(num_classes=3)
        model.compile()
        images, labels = random_images(model, 4), np.array([0, 3, 1, 2])

        before = model.get_weights()
        error = (tf.errors.InvalidArgumentError, ValueError)
        for call in (
            lambda: model.fit(Batches([(images, labels)]), verbose=0),
            lambda: model.train_on_batch(images, labels),
        ):
            with pytest.raises(error, match="label must hold integers"):
                call()
        for old, new in zip(before, model.get_weights()):
            np.testing.assert_array_equal(old, new)

    @pytest.mark.op_by_op(False)
    def test_labels_of_unknown_rank(self):
        """As Python functions in data sets leave them."""
        model = new_model(num_classes=3)
        model.compile()
        images, labels = random_images(model, 4), np.arange(4) % 3
        expected = model.evaluate(images, labels, verbose=0)
        data = tf.data.Dataset.from_tensor_slices((images, labels)).map(
            lambda x, y: (x, tf.numpy_function(lambda v: v, [y], tf.int64))
        )
        found = model.evaluate(data.batch(4), verbose=0)
        np.testing.assert_allclose(found, expected, rtol=1e-5)

    def test_labels_in_a_column(self):
        """As keras.datasets has them."""
        model = new_model(num_classes=3)
        model.compile()
        images, labels = random_images(model, 4), np.arange(4) % 3
        expected = model.evaluate(images, labels, verbose=0)
        found = model.evaluate(images, labels[:, None], verbose=0)
        np.testing.assert_allclose(found, expected)

    def test_validation_and_evaluation_see_the_labels(self):
        model = new_model(num_classes=3)
        model.compile()
        images, labels = random_images(model, 8), np.arange(8) % 3
        expected = np.mean(kp.bits_per_dim(model.log_prob(images, label=labels), 18))
        scores = model.evaluate(images, labels, verbose=0, return_dict=True)
        assert scores["bits_per_dim"] == pytest.approx(expected, rel=1e-5)
        model.optimizer.learning_rate = 0.0
        for data in ((images, labels), {"image": images, "label": labels}):
            history = model.fit(
                images, labels, validation_data=data, verbose=0, batch_size=4
            ).history
            found = history["val_bits_per_dim"][0]
            assert found == pytest.approx(expected, rel=1e-5)

    def test_predict_takes_the_conditions(self):
        model = new_model(num_classes=3)
        features = {"image": random_images(model, 4), "label": np.arange(4) % 3}
        np.testing.assert_allclose(
            model.predict(features, verbose=0), model(features), atol=1e-5
        )
        pairs = tf.data.Dataset.from_tensors((features["image"], features["label"]))
        for data in (pairs, iter_of((features["image"], features["label"]))):
            found = model.predict(data, verbose=0, steps=1)
            np.testing.assert_allclose(found, model(features), atol=1e-5)

    def test_a_data_set_without_labels_trains_the_unconditional_model_only(self):
        """-1, which data sets give where they have no label, and no label at all."""
        weights = []
        for label in (None, np.full(8, -1)):
            model = new_model(num_classes=3, condition_dropout=0.3)
            model.compile("sgd")
            features = {"image": random_images(model, 8)}
            if label is not None:
                features["label"] = label
            model.fit(features, batch_size=8, verbose=0)
            weights.append(model.get_weights())
        for ours, theirs in zip(*weights):
            np.testing.assert_allclose(ours, theirs, atol=1e-6)


def iter_of(batch):
    yield batch


def test_labels_go_by_their_names(tmp_path):
    model = new_model(num_classes=3, condition_dropout=0.1)
    with pytest.raises(ValueError, match="Received: 'b'"):
        model.sample(label="b")
    model.label_names = ["a", "b", "sneaker"]
    images = model.sample(2, seed=1, label=["sneaker", "a"])
    np.testing.assert_array_equal(images, model.sample(2, seed=1, label=[2, 0]))
    by_name = model.log_prob(images, label="b")
    np.testing.assert_array_equal(by_name, model.log_prob(images, label=1))
    assert model.distribution(label=["a", "b"]).batch_shape == (2,)
    with pytest.raises(ValueError, match=r"names: a, b, sneaker.*'snaker'. Was 'sneak"):
        model.sample(label="snaker")
    model.compile()
    model.fit(images.numpy(), np.array(["a", "b"]), verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.label_names == ("a", "b", "sneaker")
    model.export(tmp_path / "1", verbose=False, signatures=["log_prob"])
    metadata = tmp_path / "1" / "assets.extra" / "metadata.json"
    assert json.loads(metadata.read_text())["label_names"] == [*again.label_names]


@pytest.mark.parametrize("names", [["a"], "abc", ["a", "a", "b"], [1, 2, 3]])
def test_names_that_are_none_are_refused(names):
    model = new_model(num_classes=3)
    with pytest.raises(ValueError, match="label_names must be"):
        model.label_names = names
