"""One model and its export for all tests here: all conditions, three colours."""

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from keras_pixelcnn import GatedPixelCNN
from tests.test_case import randomize

IMAGE_SHAPE = (4, 3, 3)
NUM_LEVELS = 5


@pytest.fixture(scope="session")
def model():
    """A tiny model far from uniform: fresh weights would hide most mistakes."""
    model = GatedPixelCNN(
        IMAGE_SHAPE,
        num_levels=NUM_LEVELS,
        filters=6,
        num_blocks=1,
        num_classes=3,
        embedding_dim=2,
    )
    return randomize(model)


@pytest.fixture(scope="session")
def export(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "pixelcnn" / "1"
    names = ["cat", "dog", "ship"]
    model.export(path, verbose=False, label_names=names, bits_per_dim=1.25)
    return path


@pytest.fixture(scope="session")
def loaded(export):
    return tf.saved_model.load(export)


@pytest.fixture(scope="session")
def meta_graph(export):
    content = (export / "saved_model.pb").read_bytes()
    (meta_graph,) = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    return meta_graph
