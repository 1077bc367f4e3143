"""A server of tiny models, started once for all tests that ask it."""

import keras
import pytest
import tensorflow as tf

from keras_pixelcnn import GatedPixelCNN
from savedmodels.server import LocalServer
from tests.savedmodels.server.calls import Grpc, Rest
from tests.savedmodels.server.plain_models import save_plain

IMAGE_SHAPE = (4, 3, 1)
SIGNATURES = ["sample", "sample_png", "sample_from_noise", "complete_png", "log_prob"]


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """A base folder: version 1 of a tiny model with 3 labels and 5 levels."""
    base = tmp_path_factory.mktemp("tiny")
    keras.utils.set_random_seed(0)
    model = GatedPixelCNN(
        IMAGE_SHAPE, num_levels=5, filters=2, num_blocks=1, num_classes=3
    )
    model.export(base / "1", verbose=False, signatures=SIGNATURES)
    return base


@pytest.fixture(scope="session")
def signatures(served):
    """The signatures of the tiny model, called in this process."""
    return tf.saved_model.load(str(served / "1")).signatures


@pytest.fixture(scope="session")
def server(served, tmp_path_factory):
    """Serves `tiny`, a model with labels, and `plain`, of a few operations."""
    plain = tmp_path_factory.mktemp("plain")
    save_plain(plain, 1, factor=2.0)
    with LocalServer({"tiny": served, "plain": plain}) as server:
        server.wait_until_available("tiny")
        server.wait_until_available("plain")
        yield server


@pytest.fixture(scope="session")
def rest(server):
    return Rest(server, "tiny")


@pytest.fixture(scope="session")
def call(server):
    return Grpc(server, "tiny")


@pytest.fixture(scope="session")
def plain_rest(server):
    return Rest(server, "plain")


@pytest.fixture(scope="session")
def plain_call(server):
    return Grpc(server, "plain")


@pytest.fixture
def base(tmp_path):
    """A base folder of one version, of which `started` makes a server."""
    save_plain(tmp_path, 1, factor=2.0)
    return tmp_path
