import pytest

import keras_pixelcnn as kp
from tests.test_case import randomize


@pytest.fixture(scope="session")
def grey():
    model = kp.GatedPixelCNN((4, 4, 1), num_levels=5, filters=2, num_blocks=1)
    model.compile("sgd")
    return randomize(model)


@pytest.fixture(scope="session")
def colored():
    model = kp.GatedPixelCNN((4, 4, 3), num_levels=5, filters=3, num_blocks=1)
    model.compile("sgd")
    return randomize(model)
