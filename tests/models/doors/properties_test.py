"""Whatever is passed in: the answer of a few lines of NumPy, or an error of ours.

`--hypothesis-profile=slow` tries 2,000 examples a door.
"""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import keras_pixelcnn as kp
from keras_pixelcnn.models.base.conditions import Conditions
from keras_pixelcnn.models.base.request_validation import prepare_seeds
from keras_pixelcnn.samplers import example_seeds
from tests.test_case import all_images, randomize

LEVELS = 3
SHAPE = (2, 2, 1)
DTYPES = ["bool", "uint8", "int8", "int32", "int64", "uint64"]
DTYPES += ["float16", "float32", "float64", "longdouble", "complex64", "U2", "object"]
LEVEL_POOL = [0, 1, 2]
POOL = [*LEVEL_POOL, 3, -1, 0.5, np.nan, np.inf, 2**32 + 1, 255, -(2**40)]
fast = settings(deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def model():
    model = kp.GatedPixelCNN(SHAPE, LEVELS, filters=2, num_blocks=1)
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


@st.composite
def arrays(draw):
    """Arrays, often of the model's shape and levels, else of anything."""
    count = draw(st.integers(0, 3))
    fitting = st.sampled_from([(count, 2, 2, 1), (count, 2, 2)])
    any_shape = st.lists(st.integers(0, 3), max_size=5).map(tuple)
    shape = draw(st.one_of(fitting, fitting, any_shape))
    pool = draw(st.sampled_from([LEVEL_POOL, LEVEL_POOL, POOL]))
    dtype = draw(st.sampled_from(DTYPES))
    size = int(np.prod(shape))
    values = draw(st.lists(st.sampled_from(pool), min_size=size, max_size=size))
    with np.errstate(all="ignore"):
        return np.array(values, "float64").astype(dtype).reshape(shape)


def fits(values):
    """Tells whether an array is a batch of images of the model's shape."""
    shape = values.shape + (1,) * (values.ndim == 3)
    return values.dtype.kind in "buif" and shape[1:] == SHAPE and values.ndim >= 3


def are_levels(values):
    with np.errstate(invalid="ignore"):
        return bool(np.all((values >= 0) & (values < LEVELS) & (values % 1 == 0)))


def answered(verb, values):
    """Returns what a verb answers; None where it answers by a sentence of ours."""
    try:
        return verb(values)
    except (ValueError, tf.errors.InvalidArgumentError) as error:
        assert (
            "must have" in str(error)
            or "must hold" in str(error)
            or ("must be an array" in str(error))
        ), error
        return None


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
def test_tensors(model, nats_of, values):
    if values.dtype.name in ("longdouble", "float128", "object"):
        return  # there are no such tensors
    check(model, nats_of, lambda x: model.log_prob(tf.constant(x)), values)


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


@pytest.fixture(scope="module")
def score_of_dataset(model):
    def score(values):
        image = values if values.dtype.kind in "buif" else values.astype("U2")
        batches = tf.data.Dataset.from_tensors(image)
        parts = [
            model.log_prob(batch["image"])
            for batch in batches.map(lambda x: model.prepare_features({"image": x}))
        ]
        return tf.concat(parts, 0)

    return score


@settings(fast, max_examples=max(settings().max_examples // 4, 25))
@given(values=arrays())
def test_datasets(model, nats_of, score_of_dataset, values):
    if values.dtype.name in ("longdouble", "float128", "complex64"):
        return  # there are no such data sets
    check(model, nats_of, score_of_dataset, values)


@fast
@given(
    label=st.one_of(
        arrays(),
        st.sampled_from([*POOL, "a", [0, 1], [[0]], [True], 2**70]),
        st.lists(st.sampled_from(LEVEL_POOL), max_size=3),
    )
)
@example(label=np.zeros((0, 2, 2, 1), "complex64"))
def test_labels(label):
    try:
        given = Conditions(num_classes=LEVELS).prepare({"label": label}, 2)["label"]
    except ValueError as error:
        assert "label must" in str(error), error
        given = None
    values = np.asarray(label)
    right = values.dtype.kind in "iu" and values.shape in [(), (2,)]
    if right and are_levels(values):
        np.testing.assert_array_equal(given, np.broadcast_to(values, 2))
    else:
        assert given is None


SEEDS = st.one_of(
    st.integers(-(2**65), 2**65),
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4),
    st.sampled_from([0.5, "1", True, [1.0, 2.0], np.uint64(2**63), [[1, 2]]]),
)


@fast
@given(seed=SEEDS)
def test_seeds(seed):
    try:
        seeds = prepare_seeds(seed, 2)
    except ValueError as error:
        assert "seed must" in str(error), error
        seeds = None
    values = np.array(seed, "object")
    integers = all(
        isinstance(value, int | np.integer) and not isinstance(value, bool)
        for value in values.ravel()
    )
    if not integers or not all(-(2**63) <= int(v) < 2**63 for v in values.ravel()):
        assert seeds is None
    elif values.shape == ():
        np.testing.assert_array_equal(seeds, example_seeds(int(seed), 2))
    elif values.shape == (2,):
        assert seeds.numpy().tolist() == list(seed)
    else:
        assert seeds is None
