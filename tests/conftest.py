import gc
import random

import numpy as np
import pytest
from hypothesis import settings

# Chosen by --hypothesis-profile=slow: so many examples of each property.
settings.register_profile("slow", max_examples=2000, deadline=None)


def pytest_collection_finish():
    """Spares the garbage collector what was imported, a tenth of all the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 10)


@pytest.fixture(autouse=True)
def same_random_numbers_in_every_run():
    """Seeds what Keras draws its seeds from.

    Not TensorFlow itself, as `keras.utils.set_random_seed` does: that throws away every
    graph that is ready to run, and made the tests take twice as long.
    """
    random.seed(0)
    np.random.seed(0)
