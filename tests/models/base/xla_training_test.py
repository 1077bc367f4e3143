"""`compile(jit_compile=True)`: XLA trains as TensorFlow's own kernels do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from tests.test_case import random_conditions, random_images

CASES = {
    "all conditions, both dropouts": {
        "image_shape": (4, 4, 3),
        "dropout_rate": 0.3,
        "condition_dropout": 0.3,
        "num_classes": 3,
        "embedding_dim": 4,
        "spatial_shape": (2, 2, 1),
    },
    "scaled loss": {"image_shape": (4, 4, 1), "dtype": "mixed_float16"},
}


def train(jit_compile, arguments, from_dataset):
    """Losses of the epochs, and the weights."""
    keras.utils.set_random_seed(0)
    model = kp.GatedPixelCNN(
        num_levels=5, filters=6, num_blocks=2, first_kernel_size=3, **arguments
    )
    model.compile(keras.optimizers.Adam(0.01), jit_compile=jit_compile)
    features = {"image": random_images(model, 12), **random_conditions(model, 12)}
    options = {"batch_size": 4, "shuffle": False}
    if from_dataset:
        features, options = tf.data.Dataset.from_tensor_slices(features).batch(4), {}
    history = model.fit(features, epochs=4, verbose=0, **options)
    return history.history["loss"], model.get_weights()


@pytest.mark.parametrize(
    ("case", "from_dataset"),
    [("all conditions, both dropouts", False), ("scaled loss", True)],
)
def test_trains_the_same(case, from_dataset):
    arguments = CASES[case]
    compiled, plain = (train(jit, arguments, from_dataset) for jit in (True, False))
    low = "dtype" in arguments
    np.testing.assert_allclose(compiled[0], plain[0], rtol=1e-2 if low else 1e-4)
    assert plain[0][-1] < plain[0][0]
    if not low:
        for ours, theirs in zip(compiled[1], plain[1]):
            np.testing.assert_allclose(ours, theirs, atol=1e-3)
