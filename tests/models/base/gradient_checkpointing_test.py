"""gradient_checkpointing: less memory, and the same training to the last digit."""

import keras
import numpy as np
import pytest

import keras_pixelcnn as kp
from tests import test_case
from tests.forked import run_source
from tests.models.base.two_devices import run_on_two_devices
from tests.test_case import random_conditions, random_images, randomize

DROPOUTS = {"dropout_rate": 0.3, "condition_dropout": 0.3}


def new_model(gradient_checkpointing, **arguments):
    keras.utils.set_random_seed(0)
    sizes = {"filters": 6, "num_blocks": 2, "first_kernel_size": 3, "num_classes": 3}
    sizes["gradient_checkpointing"] = gradient_checkpointing
    model = kp.GatedPixelCNN((4, 4, 1), num_levels=5, **sizes, **arguments)
    return randomize(model, scale=0.3)


def trained(gradient_checkpointing, arguments, **way):
    """The losses and the weights after four steps."""
    model = new_model(gradient_checkpointing, **arguments)
    model.compile(keras.optimizers.SGD(0.5), **way)
    features = {"image": random_images(model, 8), **random_conditions(model, 8)}
    history = model.fit(features, epochs=2, batch_size=4, shuffle=False, verbose=0)
    return [np.array(history.history["loss"]), *model.get_weights()]


@pytest.mark.parametrize(
    ("arguments", "way", "tolerance"),
    [
        (DROPOUTS, {"jit_compile": True}, 5e-4),
        ({"dtype": "mixed_float16"}, {"jit_compile": False}, 1e-2),  # the loss scaled
    ],
)
def test_trains_the_same(arguments, way, tolerance):
    """As without checkpoints, op by op. All models' contract compares the gradient."""
    kept = trained(False, arguments, run_eagerly=True)
    recomputed = trained(True, arguments, **way)
    for ours, theirs in zip(recomputed, kept, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.op_by_op
def test_saving_and_loading(tmp_path):
    model = new_model(True, **DROPOUTS)
    images = random_images(model, 2)
    loaded = test_case.check_saved(model, tmp_path, images)
    assert loaded.gradient_checkpointing
    config = model.get_config()
    del config["gradient_checkpointing"]  # as models were saved before it was there
    old = kp.GatedPixelCNN.from_config(config)
    assert not old.gradient_checkpointing
    model.save_weights(tmp_path / "of.weights.h5")
    old.load_weights(tmp_path / "of.weights.h5")
    given = random_conditions(model, 2)
    np.testing.assert_array_equal(
        old.log_prob(images, **given), model.log_prob(images, **given)
    )
    names = [layer.name for layer in old.layers if "reshape" not in layer.name]
    assert names == [x.name for x in model.layers if "reshape" not in x.name]


def test_memory_falls():
    """Peak memory of a step in graph mode, beyond what the process had before."""
    run_source("""
import keras, numpy as np, keras_pixelcnn as kp
from benchmarks.peak_memory import own_peak_bytes as peak

def grow(gradient_checkpointing):
    model = kp.GatedPixelCNN(
        (28, 28, 1), 4, filters=32, num_blocks=6, first_kernel_size=3,
        gradient_checkpointing=gradient_checkpointing, dropout_rate=0.2,
    )
    model.compile("sgd")
    images = np.zeros((32, 28, 28, 1), "uint8")
    model.fit(images[:1], verbose=0)  # all but the activations
    before = peak()
    model.fit(images, batch_size=32, verbose=0)
    return peak() - before, peak()

recomputed, reached = grow(True)
kept = grow(False)[1] - reached + recomputed
assert recomputed < 0.6 * kept, (recomputed, kept)
""")


def test_each_of_two_replicas_recomputes_its_own_masks():
    """That replicas train as one device is tested in tests/training."""
    run_on_two_devices("""
tf.config.experimental.enable_op_determinism()

def train(gradient_checkpointing):
    keras.utils.set_random_seed(0)
    with mirrored.scope():
        model = kp.GatedPixelCNN(
            (4, 4, 1), 5, filters=6, num_blocks=1, num_classes=3,
            dropout_rate=0.5, gradient_checkpointing=gradient_checkpointing,
        )
        model.compile(keras.optimizers.SGD(0.5))
    images = np.random.default_rng(0).integers(0, 5, (8, 4, 4, 1))
    features = {"image": images, "label": np.arange(8) % 3}
    model.fit(features, batch_size=4, shuffle=False, verbose=0)
    return model

model = train(True)
for a, b in zip(model.get_weights(), train(False).get_weights()):
    np.testing.assert_allclose(a, b, atol=1e-5)
dropout = model.blocks[0].horizontal_dropout
masks = mirrored.run(lambda: dropout(tf.ones([64]), training=True)).values
assert not np.array_equal(*masks)
""")
