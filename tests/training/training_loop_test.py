"""Tests that the loop's parts refuse numbers that are out of range, and say so."""

import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.training import (
    ImagesFromStream,
    ImagesInMemory,
    LoopOptions,
    Recipe,
)
from keras_pixelcnn.training.train_step import TrainStep

IMAGES = np.zeros((6, 2, 2, 1), np.int32)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("batch_size", -1),
        ("batch_size", 2.5),
        ("gradient_accumulation_steps", 0),
        ("weight_decay", -0.1),
        ("clip_norm", 0),
        ("ema_momentum", 1.0),
    ],
)
def test_a_recipe_of_impossible_numbers(name, value):
    with pytest.raises(ValueError, match=rf"{name} must be .*Received: {name}={value}"):
        Recipe(**{"steps": 10, "batch_size": 4, name: value})


@pytest.mark.parametrize(
    ("told", "changes"),
    [
        ("peak", {"learning_rate": 0.0}),
        ("peak", {"learning_rate": float("nan")}),
        ("warmup_steps", {"warmup_steps": -1}),
        ("decay_factor", {"decay_factor": 0}),
        ("decay_shares", {"decay": "step", "decay_shares": (0.5, 1.5)}),
    ],
)
def test_a_schedule_of_impossible_numbers(told, changes):
    with pytest.raises(ValueError, match=f"{told} must be"):
        Recipe(10, 4, **changes).make_optimizer()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("checkpoint_every", -1),
        ("log_every", 0),
        ("validate_every", 0),
        ("validation_batch_size", 0),
        ("on_nonfinite", "stay"),
    ],
)
def test_options_that_are_none(name, value):
    with pytest.raises(ValueError, match=rf"{name} must be .*{value}"):
        LoopOptions(**{name: value})


def test_batches_of_an_impossible_size():
    stream = tf.data.Dataset.from_tensor_slices({"image": IMAGES})
    for batch_size, told in ((0, "at least 1"), (2.0, "an integer"), (7, "at most 6")):
        with pytest.raises(ValueError, match=f"batch_size must be .*{told}"):
            ImagesInMemory({"image": IMAGES}, batch_size=batch_size, seed=0)
        with pytest.raises(ValueError, match=f"batch_size must be .*{told}"):
            ImagesFromStream(stream, dict, batch_size=batch_size, seed=0)


def test_a_batch_of_another_size_than_the_recipes():
    model = kp.GatedPixelCNN((2, 2, 1), 3, filters=2, num_blocks=1)
    step = TrainStep(model, Recipe(10, 4), tf.distribute.get_strategy())
    before = [weight.numpy() for weight in model.weights]
    with pytest.raises(ValueError, match=r"must hold 4 examples.*\{'image': 6\}"):
        step({"image": IMAGES})
    for weight, old in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, old)
