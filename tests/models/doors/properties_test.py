"""Images in arrays, tensors, data sets and lists: what NumPy finds, or a sentence.

`--hypothesis-profile=slow` tries 2,000 examples a door, here and in the other tests of
properties.
"""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given
from hypothesis import strategies as st

import keras_pixelcnn as kp
from tests.models.doors.strategies import (
    LEVELS,
    NO_TENSORS,
    SHAPE,
    answered,
    are_levels,
    arrays,
    fast,
    fits,
)
from tests.test_case import Batches, all_images, randomize


@pytest.fixture(scope="module")
def model():
    model = kp.GatedPixelCNN(SHAPE, LEVELS, filters=2, num_blocks=1)
    model.compile("sgd")
    return randomize(model)


@pytest.fixture(scope="module")
def nats_of(model):
    """Looks up the log probability of an image, found by NumPy from the logits."""
    images = all_images(SHAPE, LEVELS)
    logits = np.float64(model(images))
    nats = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    nats = np.take_along_axis(nats, images[..., None], -1).sum((1, 2, 3, 4))
    by_image = {tuple(x.ravel()): value for x, value in zip(images, nats)}
    return lambda image: by_image.get(tuple(np.ravel(image).tolist()), -np.inf)


def check(model, nats_of, verb, values):
    answer = answered(verb, values)
    if not fits(values) or not are_levels(values):
        assert answer is None
        return
    expected = [nats_of(image) for image in values]
    np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-4)


@fast
@given(values=arrays())
def test_arrays(model, nats_of, values):
    check(model, nats_of, model.log_prob, values)


@fast
@given(values=arrays())
def test_distributions(model, nats_of, values):
    values = values.reshape((*values.shape, 1)) if values.ndim == 3 else values
    answer = answered(model.distribution().log_prob, values)
    if not fits(values):
        assert answer is None or values.shape[-3:] == SHAPE
        return
    with np.errstate(invalid="ignore"):
        expected = [nats_of(image) for image in values]
    np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-4)


FORMS = {
    "images": lambda image: image,
    "tuple": lambda image: (image,),
    "pair": lambda image: (image, np.zeros(len(image))),
    "dict": lambda image: {"image": image, "name": np.array(["a"] * len(image))},
}


def dataset_of(batches, form):
    return tf.data.Dataset.from_tensors(form(*batches))


def dataset_of_unknown_shape(batches, form):
    spec = tf.TensorSpec(None, batches[0].dtype)
    dataset = tf.data.Dataset.from_generator(lambda: batches, output_signature=spec)
    # Keras warns of the end of data whose length it does not know.
    return dataset.apply(tf.data.experimental.assert_cardinality(len(batches)))


def image_of_unknown_rank(batches, form):
    (batch,) = batches
    dataset = tf.data.Dataset.from_tensors(0)
    return dataset.map(
        lambda i: tf.numpy_function(lambda _: batch, [i], tf.as_dtype(batch.dtype))
    )


DATASETS = (dataset_of, dataset_of_unknown_shape, image_of_unknown_rank)
GENERATORS = (
    lambda batches, form: iter([form(batch) for batch in batches]),
    lambda batches, form: (form(batch) for batch in batches),
    lambda batches, form: Batches(map(form, batches)),
)


def check_source(model, nats_of, source, batches):
    def score(source):
        return model.evaluate(source, verbose=0)[1]

    answer = answered(score, source, told="must (have|hold|be|give)")
    if not all(x.size and fits(x) and are_levels(x) for x in batches):
        assert answer is None
        return
    nats = np.mean([nats_of(image) for batch in batches for image in batch])
    np.testing.assert_allclose(answer, -nats / np.log(2) / 4, rtol=1e-4, atol=1e-4)


@fast
@given(
    batch=arrays(), make=st.sampled_from(DATASETS), form=st.sampled_from(sorted(FORMS))
)
def test_datasets(model, nats_of, batch, make, form):
    if batch.dtype.name in NO_TENSORS:
        return  # there are no such data sets
    if batch.ndim == 0 and form in ("pair", "dict"):
        return
    source = make([batch], FORMS[form])
    check_source(model, nats_of, source, [batch])


@fast
@given(
    batches=st.lists(arrays(), min_size=1, max_size=2),
    make=st.sampled_from(GENERATORS),
    form=st.sampled_from(sorted(FORMS)),
)
@example(
    batches=[np.zeros((0, *SHAPE), bool), np.zeros((1, *SHAPE), bool)],
    make=GENERATORS[0],
    form="dict",
)
def test_generators(model, nats_of, batches, make, form):
    if any(batch.ndim == 0 for batch in batches) and form in ("pair", "dict"):
        return
    check_source(model, nats_of, make(batches, FORMS[form]), batches)
