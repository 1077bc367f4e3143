"""Small conditional models, for the tests of conditions of all kinds."""

import keras_pixelcnn as kp
from tests.test_case import random_conditions, random_images, randomize

KINDS = {
    "label": {"num_classes": 3},
    "embedding": {"embedding_dim": 4},
    "spatial": {"spatial_shape": (2, 3, 2)},
    "caption": {"vocabulary": ["a", "red", "square", "circle"], "caption_length": 3},
}
"""Conditions one by one; `ModelConformance` tests every model with several together."""


def small_model(kinds, image_shape=(4, 4, 1), num_levels=5, kernel_size=3, **arguments):
    channels = image_shape[-1]
    # A wide head: ReLUs that are all shut would hide what a test looks for.
    arguments = {
        "filters": 4 * channels,
        "head_filters": 16 * channels,
        "num_blocks": 2,
        **arguments,
    }
    for kind in kinds:
        arguments = {**KINDS[kind], **arguments}
    return randomize(
        kp.GatedPixelCNN(
            image_shape,
            num_levels=num_levels,
            kernel_size=kernel_size,
            first_kernel_size=kernel_size,
            **arguments,
        )
    )


def features_of(model, count, seed=0):
    images, conditions = random_images(model, count), random_conditions(model, count)
    return {"image": images, **conditions}
