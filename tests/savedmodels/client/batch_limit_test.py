"""A model that was published for small batches answers calls of any size."""

import numpy as np
import pytest

from keras_pixelcnn import GatedPixelCNN
from savedmodels.client import Client, InvalidRequestError
from savedmodels.server import LocalServer

LIMIT = 2


@pytest.fixture(scope="module")
def model():
    return GatedPixelCNN((2, 2, 1), num_levels=4, filters=2, num_blocks=1)


def _serve(model, base, **said):
    model.export(base / "1", verbose=False, signatures=["sample"], **said)
    server = LocalServer({"tiny": base}, max_batch_size=LIMIT)
    server.start()
    server.wait_until_available("tiny")
    return server


def test_the_client_keeps_to_the_limit_that_the_model_tells(model, tmp_path):
    server = _serve(model, tmp_path, max_batch_size=LIMIT)
    try:
        for address in (server.rest_url, f"grpc://{server.grpc_address}"):
            with Client(address, "tiny") as client:
                for _ in range(2):
                    images = client.sample(5, seed=3)
                    np.testing.assert_array_equal(images, model.sample(5, seed=3))
        (batcher,) = {server._registry.model("tiny").get().batchers["sample"]}
        assert set(batcher.batch_sizes) <= {1, LIMIT}
    finally:
        server.stop()


def test_a_limit_that_nobody_told_is_an_error(model, tmp_path):
    server = _serve(model, tmp_path)
    try:
        with Client(server.rest_url, "tiny") as client:
            with pytest.raises(InvalidRequestError, match="at most 2 rows"):
                client.sample(5, seed=3)
            with pytest.raises(InvalidRequestError, match="temperature must be"):
                client.sample(2, seed=3, temperature=[1.0, -1.0])
    finally:
        server.stop()
