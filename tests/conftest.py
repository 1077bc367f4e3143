import random

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def same_random_numbers_in_every_run():
    """Seeds what Keras draws its seeds from.

    Not TensorFlow itself, as `keras.utils.set_random_seed` does: that throws away every
    graph that is ready to run, and made the tests take twice as long.
    """
    random.seed(0)
    np.random.seed(0)
