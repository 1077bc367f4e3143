"""What is passed in at the doors: values of any type, shape and size."""

import re

import numpy as np
import tensorflow as tf
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

LEVELS = 3
SHAPE = (2, 2, 1)
DTYPES = ["bool", "uint8", "int8", "int32", "int64", "uint64"]
DTYPES += ["float16", "float32", "float64", "longdouble", "complex64", "U2", "object"]
NO_TENSORS = ("longdouble", "float128", "object")
LEVEL_POOL = [0, 1, 2]
POOL = [*LEVEL_POOL, 3, -1, 0.5, np.nan, np.inf, 2**32 + 1, 255, -(2**40), 1e300]
fast = settings(deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def arrays(draw, fitting=((2, 2, 1), (2, 2)), counts=(0, 3), pool=LEVEL_POOL):
    """Arrays, often of the shapes and values that fit, else of anything.

    Args:
        fitting: shapes of one example; the number of examples leads them.
        counts: least and most examples.
        pool: values that fit.
    """
    count = draw(st.integers(*counts))
    right = st.sampled_from([(count, *shape) for shape in fitting])
    any_shape = st.lists(st.integers(0, 3), max_size=5).map(tuple)
    shape = draw(st.one_of(right, right, any_shape))
    values = draw(st.sampled_from([pool, pool, POOL]))
    dtype = draw(st.sampled_from(DTYPES))
    size = int(np.prod(shape))
    values = draw(st.lists(st.sampled_from(values), min_size=size, max_size=size))
    with np.errstate(all="ignore"):
        return np.array(values, "float64").astype(dtype).reshape(shape)


def fits(values):
    """Tells whether an array is a batch of images of the model's shape."""
    shape = values.shape + (1,) * (values.ndim == 3)
    return values.dtype.kind in "buif" and shape[1:] == SHAPE and values.ndim >= 3


def are_levels(values, levels=LEVELS):
    with np.errstate(invalid="ignore"):
        return bool(np.all((values >= 0) & (values < levels) & (values % 1 == 0)))


def answered(verb, *arguments, told="must (have|hold|be)"):
    """Returns what a verb answers; None where it answers by a sentence of ours.

    Args:
        verb: any.
        *arguments: of it.
        told: a pattern of the sentences.
    """
    try:
        return verb(*arguments)
    except (ValueError, tf.errors.InvalidArgumentError) as error:
        assert re.search(told, str(error)), error
        return None
