"""What every model owes, under each condition by itself."""

import numpy as np
import pytest
import tensorflow as tf

from tests import test_case
from tests.models.base.conditional_case import (
    KINDS,
    features_of,
    small_model,
)
from tests.test_case import random_conditions, random_images

pytestmark = pytest.mark.op_by_op

each_kind = pytest.mark.parametrize("kind", KINDS)


@each_kind
def test_any_condition_alone(kind, tmp_path):
    """Conditions open no way from a pixel to an earlier one, and steps know them."""
    model = small_model([kind], (3, 4, 2), 5)
    expected = test_case.expected_dependencies(model.image_shape, 2)
    np.testing.assert_array_equal(test_case.dependencies(model), expected)
    test_case.check_steps_equal_whole(model)
    test_case.check_saved(model, tmp_path, random_images(model, 3))
    features = features_of(model, 4)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model.log_prob(**features))
    for gradient in tape.gradient(loss, model.trainable_variables):
        assert gradient is not None and np.any(gradient)


def test_the_map_is_not_masked():
    """Pixels see the map to their right and below them, too, and all see some of it."""
    model = small_model(["spatial"], (4, 4, 1), 5, 7, spatial_shape=(4, 4, 1))
    maps = tf.random.normal([1, 4, 4, 1])
    with tf.GradientTape() as tape:
        tape.watch(maps)
        outputs = model({"image": tf.zeros([1, 4, 4, 1]), "spatial": maps})
        outputs = tf.reduce_sum(outputs**2, axis=[3, 4])
    reach = np.abs(tape.jacobian(outputs, maps).numpy()[0, :, :, 0, :, :, 0])
    assert reach[1, 1, 1, 2] > 0 and reach[1, 1, 2, 1] > 0  # what comes after
    assert np.all(reach.max(axis=(2, 3)) > 0)  # from every pixel
    assert np.all(reach.max(axis=(0, 1)) > 0)  # to every place of the map
    assert np.all(reach[3, 3] > 0)  # the last pixel sees the whole


def test_the_condition_alone_is_computed_once_and_not_in_the_pixel_loop():
    """The layers of conditions are called before the loops and once a row."""
    model = small_model(KINDS, (4, 4, 1))
    calls = []
    layers = [(model.condition_encoder, "call")]
    layers += [(layer, "add_projections") for layer in model.conditionings]

    def counted(original):
        def call(*args, **kwargs):
            calls.append(1)
            return original(*args, **kwargs)

        return call

    for layer, name in layers:
        setattr(layer, name, counted(getattr(layer, name)))
    given = random_conditions(model, 2)
    pixel_calls = []
    steps = model.scan_steps(model.conditions.prepare(given, 2))
    before = len(calls)
    features, _ = steps.row(tf.constant(0), steps.start_image(1, 2))
    features = tf.nest.map_structure(lambda feature: feature[0], features)
    in_row = len(calls) - before
    cache = steps.start_row(2)
    before = len(calls)
    for column in range(4):
        state = steps.pixel(features, column, cache)
        _, state = steps.channel(None, state)
        cache = steps.finish_pixel(tf.constant([1, 2]), state)
        pixel_calls.append(len(calls) - before)
    assert pixel_calls == [0] * 4
    assert in_row == model.num_blocks  # the map's own row, once a block


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"num_classes": 0}, "num_classes must be an integer of at least 1"),
        ({"num_classes": 2.5}, "num_classes must be an integer of at least 1"),
        ({"embedding_dim": -1}, "embedding_dim must be an integer of at least 1"),
        ({"spatial_shape": (2, 2)}, "spatial_shape must be .height, width, channels"),
        ({"spatial_shape": (2, 0, 1)}, "spatial_shape must be .height, width"),
    ],
)
def test_refuses(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        small_model([], **arguments)


@pytest.mark.op_by_op(False)
def test_same_under_xla():
    model = small_model(KINDS, (2, 3, 2), num_blocks=1, condition_dropout=0.1)
    given = random_conditions(model, 4)
    with test_case.op_by_op():
        expected = model.sample(seed=3, guidance_scale=1.5, top_p=0.9, **given)
    drawn = model.sample(
        seed=3, guidance_scale=1.5, top_p=0.9, jit_compile=True, **given
    )
    assert drawn.dtype == expected.dtype
    assert np.all(drawn == expected, axis=(1, 2, 3)).sum() >= 3
