import gc
import os
import random

import numpy as np
import pytest
from hypothesis import settings

# What XLA makes is run once or twice: most of the time went into making it fast.
XLA_FLAGS = "--xla_backend_optimization_level=0"
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {XLA_FLAGS}".strip()

# Examples of each property; --hypothesis-profile=slow tries more.
settings.register_profile("quick", max_examples=50, deadline=None)
settings.register_profile("slow", max_examples=2000, deadline=None)
settings.load_profile("quick")


def pytest_configure():
    """Gives each worker of pytest-xdist a processor of its own.

    The threads of several workers would wait for each other, and a graph that samples
    holds a loop for each processor: that these change no image is tested by itself.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker:
        gc.disable()  # until all is imported, of which nothing goes again
    if worker and hasattr(os, "sched_setaffinity"):
        processors = sorted(os.sched_getaffinity(0))
        # From another one on for each run of the tests that shares the machine.
        number = os.getppid() + int(worker.removeprefix("gw"))
        os.sched_setaffinity(0, {processors[number % len(processors)]})


def pytest_collection_finish():
    """Spares the garbage collector what was imported, a tenth of all the time."""
    gc.enable()
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


@pytest.fixture(autouse=True, scope="module")
def free_what_a_file_made():
    """Models and their graphs refer to each other, and go by the collector alone.

    It waits until they are a quarter of all objects, which are gigabytes of graphs.
    What is left then is there for the whole session, and need not be looked at again.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def graphs_or_op_by_op(request):
    """Runs what is marked `op_by_op` without making a graph of each verb.

    A model that is asked once would be traced for seconds and run for milliseconds.
    That graphs answer as single operations do is tested for every model by itself.
    """
    marker = request.node.get_closest_marker("op_by_op")
    if marker is None or marker.args == (False,):
        yield
        return
    from tests.test_case import op_by_op

    with op_by_op():
        yield


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    """Chromium, for the tests of a file; they are skipped where it is not."""
    from tests.browser import start_chromium

    driver = start_chromium(tmp_path_factory.mktemp("chromium"))
    yield driver
    driver.quit()
