"""Weights that are not finite, or too large: no image, no file, no export of them."""

import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.models.base import sampling

SMALL = {"filters": 4, "num_blocks": 1, "first_kernel_size": 3}
MATCH = "must give finite numbers.*earlier checkpoint"
MODELS = {
    "levels": lambda: kp.GatedPixelCNN((2, 3, 1), 5, **SMALL),
    "many levels": lambda: kp.GatedPixelCNN((2, 3, 1), 256, **SMALL),
    "codes": lambda: kp.GatedPixelCNN(
        (2, 3, 1), 70, input_encoding="embedding", **SMALL
    ),
    "mixture": lambda: kp.GatedPixelCNN(
        (2, 3, 1), 256, likelihood="logistic_mixture", **SMALL
    ),
}


def _one_nan(values):
    values = values.copy()
    values.flat[values.size // 2] = np.nan
    return values


def _too_large(values):
    return np.where(np.arange(values.size).reshape(values.shape) % 2, 3e38, -3e38)


def _damaged(model, damage):
    """Damages the last bias, or what makes the logits."""
    weights = model.trainable_weights[-1 if damage is _one_nan else slice(None)]
    for weight in weights if isinstance(weights, list) else [weights]:
        weight.assign(damage(weight.numpy()))
    return model


@pytest.mark.parametrize(
    ("name", "damage"),
    [("levels", _too_large), *((name, _one_nan) for name in MODELS)],
)
@pytest.mark.op_by_op
def test_nothing_is_drawn(name, damage):
    model = _damaged(MODELS[name](), damage)
    with pytest.raises(ValueError, match=MATCH):
        model.sample(2, seed=0)
    with pytest.raises(ValueError, match=MATCH):
        model.sample(2, seed=0, sampler="fixed_point", top_p=0.5)
    image = np.zeros((2, 2, 3, 1), int)
    # What is known needs no drawing.
    assert not np.any(model.complete(image, np.ones((2, 3), bool), seed=0))


def test_nothing_is_drawn_in_graphs():
    """Of a single NaN by XLA, too, whose own maximum is that of the other logits."""
    model = _damaged(MODELS["levels"](), _one_nan)
    for jit_compile in (False, True):
        with pytest.raises(ValueError, match=MATCH):
            model.sample(2, seed=0, jit_compile=jit_compile)
    image, mask = np.zeros((2, 2, 3, 1), int), np.eye(2, 3, dtype=bool)
    with pytest.raises(tf.errors.InvalidArgumentError, match=MATCH):
        tf.function(model.complete)(image, mask, seed=0)


@pytest.mark.op_by_op
def test_nothing_is_drawn_in_pieces(monkeypatch):
    monkeypatch.setattr(sampling, "_MOST_PARAMETERS", 30)
    model = MODELS["levels"]()
    whole = model.sample(3, seed=0, sampler="incremental")
    in_pieces = model.sample(3, seed=0, sampler="fixed_point")
    np.testing.assert_array_equal(whole, in_pieces)
    with pytest.raises(ValueError, match=MATCH):
        _damaged(model, _one_nan).sample(3, seed=0, sampler="fixed_point")


def test_nothing_is_decoded():
    model = _damaged(kp.MSEAutoencoder((8, 8, 1), latent_dim=2), _one_nan)
    with pytest.raises(ValueError, match=MATCH):
        model.decode(np.zeros(2))


@pytest.mark.parametrize("damage", [_one_nan, _too_large])
def test_nothing_is_embedded(damage):
    model = _damaged(kp.FaceEmbedder((8, 8, 1), embedding_dim=2, filters=2), damage)
    with pytest.raises(ValueError, match=MATCH):
        model.embed(np.ones((2, 8, 8, 1), int))


def test_nothing_is_written(tmp_path):
    model = MODELS["levels"]()
    model.compile("adam")
    model.fit(np.zeros((2, 2, 3, 1), int), verbose=0)
    model.optimizer.variables[-1].assign(
        _one_nan(model.optimizer.variables[-1].numpy())
    )
    match = r"Weights must be finite. Received: \S+, with 1 numbers that are not"
    with pytest.raises(ValueError, match=match):
        model.save(tmp_path / "x.keras")
    _damaged(model, _one_nan)
    with pytest.raises(ValueError, match=match):
        model.export(tmp_path / "1", verbose=False)
    assert not list(tmp_path.iterdir())
