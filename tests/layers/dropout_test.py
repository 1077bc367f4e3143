"""StatelessDropout: what Keras's layer does, and the same masks for the same seed."""

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.layers.dropout import StatelessDropout, draw_kept, recompute
from tests import test_case

ONES = tf.ones([50, 40])


def test_layer():
    test_case.check_layer(StatelessDropout(0.5, seed=1), ONES)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("rate", [0.01, 0.3, 0.9])
def test_drops_the_share_and_keeps_the_mean(rate, dtype):
    """Noise in bfloat16 would drop half as much again at small rates."""
    layer = StatelessDropout(rate, seed=1, dtype=dtype)
    inputs = tf.ones([1000, 100])
    outputs = layer(inputs, training=True)
    assert outputs.dtype == layer.compute_dtype
    outputs = tf.cast(outputs, tf.float32).numpy()
    assert np.mean(outputs == 0) == pytest.approx(rate, rel=0.1)
    np.testing.assert_allclose(outputs[outputs != 0], 1 / (1 - rate), rtol=1e-2)
    np.testing.assert_array_equal(layer(inputs, training=False), inputs)


def test_draws_anew_in_each_call_and_the_same_for_a_seed():
    layer = StatelessDropout(0.5, seed=1)
    first, second = (layer(ONES, training=True).numpy() for _ in range(2))
    assert np.mean(first == second) < 0.6
    seed = layer.draw_seed()
    same = [layer(ONES, training=True, dropout_seed=seed) for _ in range(2)]
    np.testing.assert_array_equal(*same)


def test_the_same_under_xla():
    """TensorFlow's own uniform floats are not."""
    seed = tf.constant([7, 2**40], tf.int64)
    compiled = tf.function(lambda: draw_kept([999], 0.3, seed), jit_compile=True)
    np.testing.assert_array_equal(compiled(), draw_kept([999], 0.3, seed))


@pytest.mark.parametrize("rate", [0, 1])
def test_nothing_and_everything(rate):
    outputs = StatelessDropout(rate)(ONES, training=True)
    np.testing.assert_array_equal(outputs, ONES * (1 - rate))


def test_noise_shape():
    outputs = StatelessDropout(0.5, (None, 1), seed=1)(ONES, training=True).numpy()
    assert np.ptp(outputs, axis=1).max() == 0 and np.ptp(outputs, axis=0).max() > 0


def test_what_is_recomputed_has_the_same_gradient_and_is_run_twice():
    calls = []

    def function(a, nothing, pair):
        calls.append(nothing)
        return tf.tanh(a) * pair[0] + pair[1]

    inputs = [tf.constant([0.5, -1.0]), tf.constant([2.0, 3.0]), tf.constant([1.0])]
    found = []
    for run in (
        lambda *given: function(*given),
        lambda *given: recompute(function, *given),
    ):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = run(inputs[0], None, (inputs[1], inputs[2]))
        found.append([outputs, *tape.gradient(outputs, inputs)])
    for plain, recomputed in zip(*found):
        np.testing.assert_array_equal(recomputed, plain)
    assert calls == [None] * 3
