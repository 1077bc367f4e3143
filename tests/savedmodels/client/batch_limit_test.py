"""A model that was published for small batches answers calls of any size."""

import numpy as np

from keras_pixelcnn import GatedPixelCNN
from savedmodels.client import Client
from savedmodels.server import LocalServer

LIMIT = 2


def test_the_client_keeps_to_the_limit_that_the_model_tells(tmp_path):
    model = GatedPixelCNN((2, 2, 1), num_levels=4, filters=2, num_blocks=1)
    told = {"signatures": ["sample"], "max_batch_size": LIMIT}
    model.export(tmp_path / "1", verbose=False, **told)
    with LocalServer({"tiny": tmp_path}, max_batch_size=LIMIT) as server:
        server.wait_until_available("tiny")
        for address in (server.rest_url, f"grpc://{server.grpc_address}"):
            with Client(address, "tiny") as client:
                for _ in range(2):
                    images = client.sample(5, seed=3)
                    np.testing.assert_array_equal(images, model.sample(5, seed=3))
        (batcher,) = {server._registry.model("tiny").get().batchers["sample"]}
        assert set(batcher.batch_sizes) <= {1, LIMIT}
