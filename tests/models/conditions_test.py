"""The one rule for what conditions are, and the sentences for what they are not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.models.conditions import Conditions
from tests.models.small_model import new_model
from tests.test_case import random_conditions, random_images

ALL = {"num_classes": 3, "embedding_dim": 4, "spatial_shape": (2, 3, 1)}
GOOD = {
    "label": [0, 2],
    "embedding": np.zeros((2, 4)),
    "spatial": np.zeros((2, 2, 3, 1)),
}
BAD = [
    ("label", [0, 3], r"label must hold integers in \[0, 3\)\. Received: 3"),
    ("label", [-1, 0], r"label must hold integers in \[0, 3\)\. Received: -1"),
    ("label", np.array([2**32, 0]), "label must hold integers in"),
    ("label", np.array([2**63, 0], "uint64"), "label must hold integers in"),
    ("label", [0.0, 1.0], "label must hold integers.*float64"),
    ("label", ["a", "b"], "label must hold integers.*type"),
    ("label", [True, False], "label must hold integers.*bool"),
    ("label", np.eye(3)[:2], "label must hold integers.*float64"),
    ("label", [0, 1, 2], "label must be one for all images.*the 2 images.*(3,)"),
    ("label", [[0], [1]], "label must be one for all images.*(2, 1)"),
    ("embedding", np.zeros((2, 5)), r"embedding must have the shape \(4,\).*\(2, 5\)"),
    ("embedding", np.zeros(()), r"embedding must have the shape"),
    ("embedding", np.zeros((3, 4)), "embedding must be one for all images"),
    ("embedding", np.full((2, 4), np.nan), "embedding must hold finite numbers.*nan"),
    ("embedding", np.full((2, 4), -np.inf), "embedding must hold finite numbers.*-inf"),
    ("embedding", np.full((2, 4), 1e300), "embedding must hold finite numbers"),
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
    for call in (
        lambda: all_kinds.log_prob(images, **given),
        lambda: all_kinds.sample(2, seed=1, **given),
        lambda: all_kinds.complete(images, images > 1, seed=1, **given),
        lambda: all_kinds.fit({"image": images, **given}),
        lambda: all_kinds.evaluate({"image": images, **given}),
    ):
        with pytest.raises(ValueError, match=sentence):
            call()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    # Other numbers of conditions are another batch shape.
    [case for case in BAD if "one for all images" not in case[2]],
)
def test_refused_by_the_distribution(all_kinds, name, value, sentence):
    with pytest.raises(ValueError, match=sentence):
        all_kinds.distribution(**{**GOOD, name: value})


@pytest.mark.parametrize(("name", "value"), [("label", 3), ("embedding", np.nan)])
def test_refused_in_graphs_when_they_run(all_kinds, name, value):
    specs = all_kinds.conditions.tensor_specs()
    given = {key: tf.constant(GOOD[key], specs[key].dtype) for key in GOOD}
    images = tf.constant(random_images(all_kinds, 2), tf.int32)
    verbs = {
        "sample": lambda **given: all_kinds.sample(2, seed=1, **given),
        "log_prob": lambda **given: all_kinds.log_prob(images, **given),
        "complete": lambda **given: all_kinds.complete(
            images, images > 1, seed=1, **given
        ),
    }
    for verb in verbs.values():
        run = tf.function(lambda given, verb=verb: verb(**given), autograph=False)
        run(given)
        wrong = {**given, name: tf.fill(given[name].shape, value)}
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"{name} must hold"):
            run({key: tf.cast(wrong[key], given[key].dtype) for key in wrong})


def test_one_for_all_is_refused_in_graphs_when_it_runs():
    model = new_model(num_classes=3)

    @tf.function(autograph=False)
    def draw(label):
        return model.sample(2, seed=1, label=label)

    np.testing.assert_array_equal(
        draw(tf.constant(2)), model.sample(2, seed=1, label=2)
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="label must hold"):
        draw(tf.constant(3))


def test_labels_out_of_range_in_a_data_set_are_named_by_fit():
    model = new_model(num_classes=3)
    model.compile()
    images = random_images(model, 8)
    data = tf.data.Dataset.from_tensor_slices(
        {"image": images, "label": np.arange(8) % 4}
    ).batch(4)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"label must hold.* 3"):
        model.fit(data, verbose=0)

    def batches():
        yield {"image": images, "label": np.arange(8) % 4}

    with pytest.raises(ValueError, match=r"label must hold.* 3"):
        model.fit(batches(), verbose=0)


def test_unknown_conditions_are_named(all_kinds, model, images):
    with pytest.raises(
        ValueError, match=r"takes the conditions \['label'.*\['labels'\]"
    ):
        all_kinds.sample(2, seed=1, labels=[0, 1], **GOOD)
    for call in (model.sample, lambda **given: model.log_prob(images, **given)):
        with pytest.raises(ValueError, match=r"takes no conditions.*\['label'\]"):
            call(label=[0] * 7)
    model.sample(1, seed=1, label=None)  # as if left out


def test_one_for_all_or_one_for_each(all_kinds):
    images = random_images(all_kinds, 3)
    one = {name: value[0] for name, value in random_conditions(all_kinds, 1).items()}
    each = {name: np.stack([value] * 3) for name, value in one.items()}
    expected = all_kinds.log_prob(images, **each)
    np.testing.assert_array_equal(all_kinds.log_prob(images, **one), expected)
    mixed = {**one, "embedding": each["embedding"]}
    np.testing.assert_array_equal(all_kinds.log_prob(images, **mixed), expected)
    drawn = all_kinds.sample(3, seed=1, **each)
    np.testing.assert_array_equal(all_kinds.sample(3, seed=1, **one), drawn)
    np.testing.assert_array_equal(all_kinds.sample(seed=1, **mixed), drawn)
    assert all_kinds.sample(seed=1, **one).shape[0] == 1


@pytest.mark.parametrize("kind", [list, np.int8, np.uint16, tf.int64, tf.uint8])
def test_labels_of_any_integer_type(all_kinds, kind):
    label = [0, 2]
    if isinstance(kind, tf.DType):
        label = tf.constant(label, kind)
    elif kind is not list:
        label = np.array(label, kind)
    expected = all_kinds.sample(2, seed=1, **GOOD)
    drawn = all_kinds.sample(2, seed=1, **{**GOOD, "label": label})
    np.testing.assert_array_equal(drawn, expected)


def test_conditions_of_a_model_that_has_none():
    conditions = Conditions()
    assert conditions.names == [] and not conditions.optional
    assert conditions.prepare({}, 3) == {} and conditions.tensor_specs() == {}


class TestFit:
    """Labels may stand in the dict, beside the images, or in a data set."""

    def test_all_ways_of_giving_labels_train_alike(self):
        model = new_model(num_classes=3)
        images, labels = random_images(model, 8), np.arange(8) % 3
        as_dict = {"image": images, "label": labels}
        sliced = tf.data.Dataset.from_tensor_slices

        class Batches(keras.utils.PyDataset):
            def __len__(self):
                return 1

            def __getitem__(self, index):
                return images, labels

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
            "python data set": {"x": Batches()},
        }
        weights = {}
        for name, way in ways.items():
            model = new_model(num_classes=3)
            model.compile("sgd")
            model.fit(**way, epochs=1, verbose=0, shuffle=False)
            weights[name] = model.get_weights()
        for name in ways:
            for ours, theirs in zip(weights[name], weights["dict"]):
                np.testing.assert_allclose(ours, theirs, atol=1e-6, err_msg=name)

    def test_labels_count(self):
        """The same images with other labels train other weights."""
        model = new_model(num_classes=3)
        images = random_images(model, 8)
        trained = []
        for labels in (np.zeros(8, int), np.ones(8, int)):
            model = new_model(num_classes=3)
            model.compile("sgd")
            model.fit(images, labels, batch_size=8, verbose=0)
            trained.append(model.get_weights())
        assert any(not np.allclose(a, b) for a, b in zip(*trained))

    def test_validation_and_evaluation_see_the_labels(self):
        model = new_model(num_classes=3)
        model.compile()
        images, labels = random_images(model, 8), np.arange(8) % 3
        expected = np.mean(kp.bits_per_dim(model.log_prob(images, label=labels), 36))
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
