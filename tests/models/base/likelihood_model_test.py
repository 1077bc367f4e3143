"""Training on bits/dim: all that `fit` and `evaluate` take and refuse."""

import gc
import io
import itertools
import logging
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.models.base.input_data import HeldBatches
from tests.models.base.two_devices import run_on_two_devices
from tests.models.small_model import LEVELS, SHAPE, new_model
from tests.test_case import Batches

pytestmark = pytest.mark.op_by_op

NUM_DIMS = math.prod(SHAPE)


@pytest.fixture(autouse=True)
def iterators_go_at_once():
    """TensorFlow sleeps for half a minute where an iterator of long ago is let go."""
    yield
    gc.collect()


def sources(images):
    """Everything that `fit` takes, by name."""
    labels = np.arange(len(images))
    dataset = tf.data.Dataset.from_tensor_slices({"image": images, "label": labels})

    def generate():
        while True:
            for start in range(0, len(images), 3):
                yield {"image": images[start : start + 3]}

    return {
        "array": images,
        "tensor": tf.constant(images),
        "dict": {"image": images},
        "dict with a label": {"image": images, "label": labels},
        "int64 array": images.astype("int64"),
        "whole floats": images.astype("float32"),
        "dataset of dicts": dataset.batch(3),
        "dataset of pairs": dataset.map(lambda x: (x["image"], x["label"])).batch(3),
        "dataset of images": dataset.map(lambda x: x["image"]).batch(3),
        "generator": generate(),
        "generator of pairs": ((x["image"], None) for x in generate()),
        "dataset with text": dataset.map(lambda x: {**x, "id": "train_1"}).batch(3),
    }


@pytest.fixture(scope="module")
def unchanging():
    """A model that training leaves as it is, so that one will do."""
    model = new_model()
    model.compile(keras.optimizers.SGD(0.0))
    return model


# Images alone, and with what XLA cannot compile; the others come to one of these.
IN_GRAPHS = ("array", "dataset with text")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.op_by_op(name not in IN_GRAPHS))
        for name in sources(np.zeros((7, *SHAPE)))
    ],
)
def test_fit_and_evaluate_take(name, images, unchanging):
    model = unchanging
    sized, evaluation = {"batch_size": 3}, {"batch_size": 3}
    if name.startswith("generator"):
        sized, evaluation = {"steps_per_epoch": 3}, {"steps": 3}
    if name.startswith("dataset"):
        sized, evaluation = {}, {}
    expected = kp.bits_per_dim(model.log_prob(images), NUM_DIMS).numpy().mean()
    history = model.fit(sources(images)[name], verbose=0, **sized).history
    assert history["bits_per_dim"][0] == pytest.approx(expected, rel=1e-5)
    assert history["loss"][0] == pytest.approx(expected, rel=1e-5)
    found = model.evaluate(
        sources(images)[name], verbose=0, return_dict=True, **evaluation
    )
    assert found["bits_per_dim"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (5, r"\[0, 5\).*5"),
        (-1, r"\[0, 5\).*-1"),
        (0.5, r"0\.5"),
        (np.nan, "nan"),
    ],
)
@pytest.mark.op_by_op(False)
def test_wrong_values_are_named_before_training_starts(wrong, sentence, images):
    model = new_model()
    model.compile()
    weights = model.get_weights()
    bad = images.astype("float32" if isinstance(wrong, float) else "int32")
    bad[3, 2, 1, 0] = wrong
    calls = [
        lambda: model.fit(bad, verbose=0),
        lambda: model.fit({"image": bad}, verbose=0),
        lambda: model.fit(images, validation_data=bad, verbose=0),
        lambda: model.fit(images, validation_data=(bad, None), verbose=0),
        lambda: model.fit(images, validation_data={"image": bad}, verbose=0),
        lambda: model.evaluate(bad, verbose=0),
        lambda: model.log_prob(bad),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=sentence):
            call()
    for before, after in zip(weights, model.get_weights()):
        np.testing.assert_array_equal(before, after)


def batches_of(images):
    """Every source of batches that is no array, by name."""
    return {
        "dataset": tf.data.Dataset.from_tensors({"image": images}),
        "dataset of unknown size": tf.data.Dataset.from_tensors(images).map(
            lambda images: tf.ensure_shape(
                tf.py_function(lambda x: x, [images], images.dtype), [None] * 4
            )
        ),
        "generator": iter([{"image": images}]),
        "PyDataset": HeldBatches(iter([(images,)])),
    }


SOURCES = tuple(batches_of(np.zeros((1, *SHAPE))))


CHANGES = (
    (lambda images: images + np.uint8(LEVELS), r"`image` must hold .*\[0, 5\)"),
    (lambda images: images / np.float32(LEVELS), r"`image` must hold .*integers"),
    (lambda images: images - 1.5, r"`image` must hold .*integers"),
    (lambda images: images[:, :2], r"`image` must have shape"),
)


@pytest.mark.parametrize("place", range(len(SOURCES)), ids=SOURCES)
@pytest.mark.op_by_op(False)
def test_images_in_batches_are_looked_at(place, images, unchanging):
    """Normalised ones would be rounded to level 0, and the loss be infinite.

    Each source with each change and each verb, in pairs.
    """
    wrong = (tf.errors.InvalidArgumentError, ValueError)
    verbs = (unchanging.fit, unchanging.evaluate, unchanging.predict)
    for number, (change, sentence) in enumerate(CHANGES):
        verb = verbs[(number + place) % 3]
        with pytest.raises(wrong, match=sentence):
            verb(batches_of(change(images))[SOURCES[place]], verbose=0)


@pytest.mark.parametrize(
    "verb", ["train_on_batch", "test_on_batch", "predict_on_batch"]
)
def test_images_of_single_batches_are_looked_at(verb, images, unchanging):
    with pytest.raises(ValueError, match=r"`image` must hold"):
        getattr(unchanging, verb)(images / np.float32(LEVELS))
    getattr(unchanging, verb)(images)


def test_wrong_shapes_and_missing_inputs(model, images):
    with pytest.raises(ValueError, match=r"3, 2, 3"):
        model.log_prob(images[:, :2])
    with pytest.raises(ValueError, match=r"3, 2, 3"):
        model.log_prob(images[0])
    with pytest.raises(ValueError, match=r"\['picture'\]"):
        model({"picture": images})


def test_compile_refuses_losses_and_metrics(model):
    for name in ("loss", "metrics", "loss_weights"):
        with pytest.raises(ValueError, match=f"{name} must be left out"):
            model.compile("adam", **{name: "mse"})


def test_weights_of_examples_are_refused(images):
    model = new_model()
    model.compile()
    weights = np.ones(7)
    dataset = tf.data.Dataset.from_tensors((images, weights, weights))
    for call in (
        lambda: model.fit(images, sample_weight=weights, verbose=0),
        lambda: model.fit(images, class_weight={0: 1.0}, verbose=0),
        lambda: model.fit(images, weights, sample_weight=weights, verbose=0),
        lambda: model.fit(images, validation_data=(images, None, weights), verbose=0),
        lambda: model.fit(dataset, verbose=0),
        lambda: model.evaluate(images, sample_weight=weights, verbose=0),
        lambda: model.evaluate(images, None, 4, 0, weights),  # by its place
    ):
        with pytest.raises(ValueError, match="sample_weight and class_weight"):
            call()


class Remembering(Batches):
    """Remembers what order its batches were asked for in."""

    def __getitem__(self, index):
        self.order.append(index)
        return super().__getitem__(index)


def test_a_py_dataset_is_shuffled(images, unchanging):
    batches = Remembering([{"image": image[None]} for image in images])
    batches.order = []
    unchanging.fit(batches, verbose=0)
    # Keras may look at batches beforehand; in order they never go down but to 0.
    assert set(batches.order) == set(range(7))
    steps_down = [b for a, b in itertools.pairwise(batches.order) if b < a]
    assert any(steps_down)


def test_arrays_are_shuffled(images):
    """One step an image: another order ends in other weights."""
    ends = []
    for shuffle in ({}, {}, {"shuffle": False}, {"shuffle": False}):
        keras.utils.set_random_seed(0)
        model = kp.GatedPixelCNN((2, 2, 1), LEVELS, filters=2, num_blocks=1)
        model.compile(keras.optimizers.SGD(0.1))
        model.fit(images[:5, :2, :, :1], batch_size=1, verbose=0, **shuffle)
        ends.append(model.blocks[0].link.kernel.numpy())
    np.testing.assert_array_equal(ends[2], ends[3])
    assert not np.array_equal(ends[0], ends[2]) or not np.array_equal(ends[1], ends[2])


def test_validation_by_a_generator(images):
    model = new_model()
    model.compile()
    history = model.fit(
        images,
        validation_data=sources(images)["generator"],
        validation_steps=3,
        verbose=0,
    )
    expected = kp.bits_per_dim(model.log_prob(images), NUM_DIMS).numpy().mean()
    assert history.history["val_bits_per_dim"][0] == pytest.approx(expected, rel=1e-5)


def test_lists_are_refused(images):
    model = new_model()
    model.compile()
    with pytest.raises(
        ValueError, match=r"`image` must have shape .*\(1, 7, 3, 2, 3\)"
    ):
        model.fit([images], verbose=0)
    with pytest.raises(ValueError, match="The model takes images, or a dict"):
        model([images])


@pytest.mark.parametrize("auto_scale_loss", [True, False])
def test_loads_the_optimizer_as_it_was_saved(images, tmp_path, auto_scale_loss):
    """Trained with its loss scaled or not, or only compiled: without a warning."""
    model = new_model(dtype="mixed_float16")
    model.compile("adam", auto_scale_loss=auto_scale_loss)
    for _ in range(2):
        model.save(tmp_path / "model.keras")
        optimizer = keras.models.load_model(tmp_path / "model.keras").optimizer
        pairs = zip(optimizer.variables, model.optimizer.variables, strict=True)
        for ours, theirs in pairs:
            np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
        model.train_on_batch(images[:4])


def test_replicas_drop_the_conditions_of_other_examples():
    """And score and sample with labels; that they train is in tests/training."""
    run_on_two_devices(f"""
def new_model():
    model = kp.GatedPixelCNN(
        {SHAPE}, {LEVELS}, filters=6, num_blocks=2, num_classes=3, condition_dropout=0.5
    )
    model.compile(keras.optimizers.SGD(0.01))
    return model

with mirrored.scope():
    model = new_model()
given = {{"has_condition": tf.ones([64], tf.int32)}}
kept = mirrored.run(lambda: model.condition_encoder._kept(given, True)).values
assert not np.array_equal(kept[0], kept[1])
images = np.random.default_rng(0).integers(0, {LEVELS}, (12, *{SHAPE}))
features = {{"image": images, "label": np.arange(12) % 3}}
one = new_model()
one.set_weights(model.get_weights())
eleven = {{name: value[:11] for name, value in features.items()}}
found = model.evaluate(eleven, batch_size=4, verbose=0)
np.testing.assert_allclose(found, one.evaluate(eleven, verbose=0), rtol=1e-5)
np.testing.assert_array_equal(one.sample(4, seed=1), model.sample(4, seed=1))
""")


@pytest.mark.op_by_op(False)
def test_many_models_score_in_one_process_without_a_warning():
    """TensorFlow warns when one function is traced for one model after the other.

    And does so for Keras's own of `evaluate`, which is not ours to change.
    """
    said, images = io.StringIO(), np.zeros((3, 2, 2, 1), np.uint8)
    handler = logging.StreamHandler(said)
    tf.get_logger().addHandler(handler)
    try:
        for _ in range(6):
            model = kp.GatedPixelCNN((2, 2, 1), 3, filters=2, num_blocks=1)
            model.log_prob(images)
    finally:
        tf.get_logger().removeHandler(handler)
    assert said.getvalue() == ""
