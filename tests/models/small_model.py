"""A small model, on which the tests of the shared verbs run."""

import keras_pixelcnn as kp
from tests.test_case import randomize

SHAPE, LEVELS = (3, 2, 3), 5


def new_model(**kwargs):
    model = kp.GatedPixelCNN(
        SHAPE, num_levels=LEVELS, filters=6, num_blocks=2, first_kernel_size=3, **kwargs
    )
    return randomize(model)
