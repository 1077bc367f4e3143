"""The small auto-encoder that the tests of its verbs run on, and patterns to learn."""

import numpy as np

import keras_pixelcnn as kp
from tests.test_case import randomize

SHAPE, LEVELS, LATENT_DIM = (5, 3, 3), 5, 4


def new_autoencoder(image_shape=SHAPE, num_levels=LEVELS, **arguments):
    arguments = {
        "latent_dim": LATENT_DIM,
        "encoder_filters": 8,
        "filters": 6,
        "head_filters": 24,
        "num_blocks": 2,
        "first_kernel_size": 3,
        **arguments,
    }
    model = kp.PixelCNNAutoencoder(image_shape, num_levels, **arguments)
    return randomize(model, scale=0.3)


def patterns(count, side=6, kinds=16, seed=0):
    """Images that are one of a few patterns of ink, with a little noise on them.

    What is left of a pixel and above it says little of which pattern it is, to a model
    that does not see far: a latent helps.

    Returns:
        uint8 (count, side, side, 1) of levels 0 and 1, and which pattern, (count,).
    """
    generator = np.random.default_rng(seed)
    ink = np.random.default_rng(0).integers(0, 2, (kinds, side, side, 1), "uint8")
    which = generator.integers(0, kinds, count)
    flips = generator.random((count, side, side, 1)) < 0.02
    return ink[which] ^ flips.astype("uint8"), which
