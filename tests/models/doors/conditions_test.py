"""Labels, embeddings, maps, seeds, masks and settings: one for all, or one for each.

Checked in eager mode, and in graphs that know no shape, where a wrong number of values
once was spread over all images.
"""

import functools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given
from hypothesis import strategies as st

import keras_pixelcnn as kp
from keras_pixelcnn.models.base.conditions import Conditions
from keras_pixelcnn.models.base.request_validation import (
    prepare_guidance_scale,
    prepare_mask,
    prepare_seeds,
    prepare_temperature,
    prepare_top_p,
)
from keras_pixelcnn.samplers import example_seeds
from tests.models.doors.strategies import (
    LEVELS,
    NO_TENSORS,
    POOL,
    SHAPE,
    answered,
    are_levels,
    arrays,
    fast,
)
from tests.test_case import randomize

CONDITIONS = Conditions(num_classes=LEVELS, embedding_dim=2, spatial_shape=(2, 1, 2))
ZERO = {name: np.zeros(shape, "int32") for name, shape in CONDITIONS.shapes.items()}


def prepared(name, value, count):
    return CONDITIONS.prepare({**ZERO, name: value}, count)[name]


@functools.cache
def graph_of(function, dtype, rank):
    """A graph that knows neither the shape nor how many examples there are."""
    shape = None if rank is None else [None] * rank
    return tf.function(
        function,
        input_signature=[tf.TensorSpec(shape, dtype), tf.TensorSpec([], tf.int32)],
        autograph=False,
    )


PREPARE = {name: functools.partial(prepared, name) for name in CONDITIONS.shapes}
PREPARE |= {
    "seed": prepare_seeds,
    "temperature": prepare_temperature,
    "top_p": prepare_top_p,
    "guidance_scale": prepare_guidance_scale,
}


NUMBERS = ("temperature", "top_p", "guidance_scale")


def is_possible(name, values):
    """Tells whether a condition may hold these values, by NumPy."""
    kinds = {"label": "iu", "seed": "iu"}.get(
        name, "iufbO" if name in NUMBERS else "iuf"
    )
    if values.dtype.kind not in kinds:
        return False
    if name == "label":
        return are_levels(values)
    if name == "seed":
        return bool(np.all(values <= np.iinfo("int64").max))
    with np.errstate(all="ignore"):
        numbers = values.astype("float32")
        if not np.isfinite(numbers).all():
            return False
    rules = {
        "temperature": numbers >= np.finfo("float32").tiny,
        "top_p": (numbers > 0) & (numbers <= 1),
    }
    return bool(np.all(rules.get(name, True)))


def expected_of(name, values, count, is_known_rank=True):
    """What each of `count` examples gets; None where the values are refused."""
    shape = CONDITIONS.shapes.get(name, ())
    one_for_all = values.shape == shape and is_known_rank
    if not (one_for_all or values.shape == (count, *shape)):
        return None
    if not is_possible(name, values):
        return None
    if name == "seed" and one_for_all:
        return example_seeds(int(values), count)
    dtype = {"label": "int32", "seed": "int64"}.get(name, "float32")
    return np.broadcast_to(values, (count, *shape)).astype(dtype)


def values_of(name):
    shape = CONDITIONS.shapes.get(name, ())
    return st.one_of(
        arrays(fitting=[shape], counts=(1, 3), pool=[0, 1, 2, 0.25, -1]),
        arrays(fitting=[shape[1:]] if shape else [()], counts=(2, 2)),
    )


NAMED = st.sampled_from(sorted(PREPARE)).flatmap(
    lambda name: st.tuples(st.just(name), values_of(name))
)


def always(*cases):
    """Has a property try some examples each time: what it once found."""
    return lambda test: functools.reduce(lambda f, x: example(**x)(f), cases, test)


WRONG = [
    *[("label", x) for x in ([-1, 0], [0, 3], [2**40, 0], np.eye(3)[:2], [[0], [1]])],
    *[("embedding", x) for x in (0.0, np.zeros((3, 2)), np.full((2, 2), 1e300))],
]
# Once infinity in half precision was taken, and every half brought a warning.
EMBEDDINGS = [
    np.array([[0.0, value]], dtype)
    for value in (1.0, np.inf, -np.inf, np.nan)
    for dtype in ("float16", "float32", "float64", "longdouble")
]
# Once 0.5 was seed 0 and 2**64 - 1 was -1, and a temperature of 0 or NaN was taken.
SCALARS = [("seed", value) for value in (0.5, True, np.uint64(2**64 - 1), "1")]
SCALARS += [("label", value) for value in (2**32, -1, 3)]
SCALARS += [(name, value) for name in NUMBERS for value in (np.nan, np.inf, 1e300)]
SCALARS += [(name, value) for name in NUMBERS[:2] for value in (0.0, -1.0)]
# Once a vector of one value was spread over all images.
VECTORS = [("label", [1]), ("seed", [1]), ("temperature", [1.0])]


def check(answer, expected):
    if expected is None:
        assert answer is None
    else:
        np.testing.assert_array_equal(answer, expected)


@fast
@given(named=NAMED, count=st.integers(1, 3))
@always(*({"named": ("embedding", x), "count": 1} for x in EMBEDDINGS))
@always(*({"named": (name, np.array(x)), "count": 2} for name, x in WRONG))
def test_conditions(named, count):
    name, values = named
    answer = answered(PREPARE[name], values, count, told=f"{name} must")
    check(answer, expected_of(name, values, count))


@fast
@given(named=NAMED, count=st.integers(1, 3), knows_rank=st.booleans())
@always(
    *(
        {"named": (name, np.array(value)), "count": count, "knows_rank": True}
        for name, value in SCALARS + VECTORS
        for count in (1, 3)
    )
)
def test_conditions_in_graphs(named, count, knows_rank):
    name, values = named
    if values.dtype.name in NO_TENSORS:
        return  # there are no such tensors
    if not knows_rank and name not in CONDITIONS.shapes:
        return  # of numbers the rank tells whether there is one for all
    run = functools.partial(_run, PREPARE[name], values, knows_rank)
    answer = answered(run, count, told=f"{name} must")
    check(answer, expected_of(name, values, count, knows_rank))


def _run(function, values, knows_rank, count):
    values = tf.constant(values)
    rank = values.shape.rank if knows_rank else None
    return graph_of(function, values.dtype, rank)(values, count)


@fast
@given(
    label=st.one_of(
        st.sampled_from([*POOL, "a", [0, 1], [[0]], [True], 2**70, [[0], [0, 1]]]),
        st.lists(st.sampled_from([0, 1, 2]), max_size=3),
    )
)
def test_labels_of_python(label):
    answer = answered(PREPARE["label"], label, 2, told="label must")
    try:
        values = np.asarray(label)
    except ValueError:  # of no shape
        assert answer is None
        return
    check(answer, expected_of("label", values, 2))


SEEDS = st.one_of(
    st.integers(-(2**65), 2**65),
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4),
    st.sampled_from([0.5, "1", True, [1.0, 2.0], np.uint64(2**63), [[1, 2]], [[1], 2]]),
)


@fast
@given(seed=SEEDS)
def test_seeds(seed):
    seeds = answered(prepare_seeds, seed, 2, told="seed must")
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


@pytest.fixture(scope="module")
def model():
    return randomize(kp.GatedPixelCNN(SHAPE, LEVELS, filters=2, num_blocks=1))


IMAGES = np.random.default_rng(0).integers(0, LEVELS, (3, *SHAPE)).astype("uint8")


def mask_of(values, count):
    """A mask for each value of `count` images; None where the values are refused."""
    if values.dtype.kind not in "buif" or not np.isin(values, (0, 1)).all():
        return None
    shapes = {(2, 2): (1, 2, 2, 1), (count, 2, 2): (count, 2, 2, 1)}
    shapes |= {(2, 2, 1): (1, 2, 2, 1), (count, 2, 2, 1): (count, 2, 2, 1)}
    if values.shape not in shapes:
        return None
    return np.broadcast_to(values.reshape(shapes[values.shape]) == 1, (count, *SHAPE))


MASKS = st.one_of(
    arrays(counts=(1, 3), pool=[0, 1]), arrays([(2,), (2, 1)], (2, 2), pool=[0, 1])
)


@fast
@given(values=MASKS, count=st.integers(1, 3))
@always(*({"values": np.full((2, 2), x), "count": 2} for x in (2, 0.5, "a", 1 + 0j)))
@always(*({"values": np.zeros(x), "count": 3} for x in ((2, 2, 2), (3, 5, 5), (2,))))
def test_masks(model, values, count):
    def complete(mask):
        return model.complete(IMAGES[:count], mask, seed=1)

    answer = answered(complete, values, told="mask must")
    mask = mask_of(values, count)
    if mask is None:
        assert answer is None
        return
    np.testing.assert_array_equal(answer.numpy()[mask], IMAGES[:count][mask])
    np.testing.assert_array_equal(answer, complete(mask))


def mask_in_graph(values, count):
    mask = prepare_mask(values, count, SHAPE)
    return tf.broadcast_to(mask, [count, *SHAPE])


@fast
@given(values=MASKS, count=st.integers(1, 3))
@example(values=np.ones((1, 2, 2, 1), bool), count=2)
def test_masks_in_graphs(values, count):
    if values.dtype.name in NO_TENSORS:
        return  # there are no such tensors
    run = functools.partial(_run, mask_in_graph, values, True)
    answer = answered(run, count, told="mask must")
    # Of three axes the graph does not know that the last one is of channels.
    is_unclear = values.ndim == 3 and values.shape != (count, 2, 2)
    check(answer, None if is_unclear else mask_of(values, count))


def test_a_mask_of_unknown_rank():
    """Once it was taken for one without channels, whatever it was."""
    run = graph_of(mask_in_graph, tf.bool, None)
    with pytest.raises(ValueError, match="mask must have the shape"):
        run(np.ones((2, 2), bool), 2)
