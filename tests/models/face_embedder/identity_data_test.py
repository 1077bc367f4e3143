"""Tests of what FaceEmbedder's fit and evaluate take, and what they refuse."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.training import IdentityBatches
from tests.models.face_embedder.model_test import LEVELS, SHAPE, new_embedder, stripes
from tests.test_case import losses_of

pytestmark = pytest.mark.op_by_op

IMAGES, LABELS = stripes(12)
ONE_HOT = np.eye(6)[LABELS]

WRONG = {
    "scaled": (IMAGES / 4, LABELS, r"in \[0, 5\).* look normalised"),
    "too bright": (IMAGES + np.uint8(LEVELS), LABELS, r"integers in \[0, 5\)"),
    "not numbers": (np.full((12, *SHAPE), np.nan), LABELS, r"Received: nan"),
    "other shape": (IMAGES[:, 1:], LABELS, r"shape \(batch, 9, 6, 1\)"),
    "empty": (IMAGES[:0], LABELS[:0], r"There must be an image.* shape: \(0, 9"),
    "one hot": (IMAGES, ONE_HOT, r"label must .* shape \(12, 6\)"),
    "floats": (IMAGES, LABELS * 1.0, r"label must .* type float64"),
    "strings": (IMAGES, LABELS.astype(str), r"label must .* type <U"),
    "no identity": (IMAGES, LABELS - 1, r"label must .* Received: -1 at index 0"),
    "too few": (IMAGES, LABELS[:-1], r"label must .* shape \(11,\).* of 12 images"),
}


@pytest.fixture(scope="module")
def embedder():
    made = new_embedder()
    made.compile("sgd")
    return made


def first(image, label):
    return image


def new_batches():
    features = {"image": IMAGES, "label": LABELS}
    return IdentityBatches(
        features, identities=3, images_each=2, seed=0, steps_per_epoch=2
    )


@pytest.mark.parametrize(("image", "label", "told"), WRONG.values(), ids=WRONG)
def test_wrong_arrays_are_told_before_anything_is_trained(embedder, image, label, told):
    features = {"image": image, "label": label}
    right = {"image": IMAGES, "label": LABELS}
    for call in (
        lambda: embedder.fit(features, verbose=0),
        lambda: embedder.fit(image, label, verbose=0),
        lambda: embedder.evaluate(features, verbose=0),
        lambda: embedder.evaluate(image, label, verbose=0),
        lambda: embedder.fit(right, validation_data=features, verbose=0),
        lambda: embedder.fit(right, validation_data=(image, label), verbose=0),
    ):
        before = embedder.get_weights()
        with pytest.raises(ValueError, match=told):
            call()
        np.testing.assert_equal(embedder.get_weights(), before)


def test_columns_lists_and_whole_floats_are_labels_and_images(embedder):
    expected = losses_of(embedder, {"image": IMAGES, "label": LABELS}).loss[0]
    for image, label in (
        (IMAGES, LABELS[:, None]),
        (IMAGES.astype("float64"), LABELS.tolist()),
        (IMAGES.tolist(), tf.constant(LABELS)),
    ):
        loss = embedder.evaluate(image, label, batch_size=12, verbose=0)
        np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_labels_of_data_sets_may_be_columns_and_must_be_integers(embedder):
    def data(label):
        return tf.data.Dataset.from_tensor_slices((IMAGES, label)).batch(12)

    expected = losses_of(embedder, {"image": IMAGES, "label": LABELS}).loss[0]
    loss = embedder.evaluate(data(LABELS[:, None]), verbose=0)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    with pytest.raises(ValueError, match=r"label must .* shape \(None, 6\)"):
        embedder.evaluate(data(ONE_HOT.astype(int)), verbose=0)
    with pytest.raises(ValueError, match=r"label must .* type float"):
        embedder.fit(data(LABELS * 1.0), verbose=0)
    with pytest.raises(ValueError, match="needs an identity"):
        embedder.fit()
    with pytest.raises(ValueError, match="needs an identity"):
        embedder.fit(IMAGES, LABELS, validation_data=data(LABELS).map(first), verbose=0)


@pytest.mark.parametrize(
    ("label", "told"),
    [
        (LABELS - 1, "integers of at least 0"),
        (LABELS[:-1], "label must be one for all examples, or one for each"),
        (np.stack([LABELS, LABELS], axis=1), "label must h(old an identity|ave shape)"),
    ],
)
@pytest.mark.parametrize("knows_rank", [True, False])
@pytest.mark.op_by_op(False)
def test_identities_of_data_sets_are_looked_at(embedder, label, told, knows_rank):
    """Once -1, for none, was an identity, and two columns as many images."""

    def spec(array):
        shape = [None, *array.shape[1:]] if knows_rank else None
        return tf.TensorSpec(shape, array.dtype)

    batch = {"image": IMAGES, "label": label}
    data = tf.data.Dataset.from_generator(
        lambda: iter([batch]),
        output_signature={name: spec(array) for name, array in batch.items()},
    )
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match=told):
        embedder.evaluate(data, verbose=0)


def test_an_epoch_of_identity_batches_is_evaluated(embedder):
    batches = list(new_batches().batches(0))
    expected = np.mean([losses_of(embedder, batch).loss[0] for batch in batches])
    for data in (new_batches().batches(0), itertools.chain(batches)):
        loss = embedder.evaluate(data, verbose=0)
        np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_an_epoch_of_identity_batches_validates_after_each_epoch():
    embedder, batches = new_embedder(), new_batches()
    embedder.compile("sgd")
    history = embedder.fit(
        batches.forever(),
        steps_per_epoch=2,
        epochs=3,
        validation_data=batches.batches(0),
        verbose=0,
    ).history
    assert len(history["val_loss"]) == 3
    expected = embedder.evaluate(batches.batches(0), verbose=0)
    np.testing.assert_allclose(history["val_loss"][-1], expected, rtol=1e-4)


def test_a_generator_at_its_end_and_weights_of_validation_are_refused(embedder):
    ended = new_batches().batches(0)
    list(ended)
    with pytest.raises(ValueError, match=r"must give a batch.* at its end"):
        embedder.fit(IMAGES, LABELS, validation_data=ended, verbose=0)
    with pytest.raises(ValueError, match=r"must give a batch"):
        embedder.evaluate(ended, verbose=0)
    weighted = (IMAGES, LABELS, np.ones(12))
    with pytest.raises(ValueError, match="sample_weight and class_weight"):
        embedder.fit(IMAGES, LABELS, validation_data=weighted, verbose=0)
