import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.layers.stack_conv2d import padded_conv2d

PADDINGS = [
    ([2, 0], [2, 2]),  # a vertical stack
    ([0, 0], [3, 0]),  # more than a gradient could be padded with
    ([0, 1], [0, 0]),
    ([2, 2], [4, 4]),
]


def gradients(function, inputs, kernel, upstream):
    with tf.GradientTape() as tape:
        tape.watch([inputs, kernel])
        outputs = function(inputs, kernel)
    return [outputs, *tape.gradient(outputs, [inputs, kernel], upstream)]


@pytest.mark.parametrize(
    ("padding", "way"),
    [*((padding, "eager") for padding in PADDINGS), (PADDINGS[3], "XLA")],
)
def test_equals_tensorflow_with_its_gradients(padding, way):
    padding = [[0, 0], *padding, [0, 0]]
    inputs = tf.random.normal([2, 6, 5, 3])
    kernel = tf.random.normal([3, 5 if padding[2][1] else 3, 3, 4])

    def ours(inputs, kernel):
        return padded_conv2d(inputs, kernel, padding)

    def plain(inputs, kernel):
        return tf.nn.conv2d(tf.pad(inputs, padding), kernel, 1, "VALID")

    upstream = tf.random.normal(plain(inputs, kernel).shape)
    find = gradients
    if way == "XLA":
        find = tf.function(gradients, jit_compile=True)
    found = find(ours, inputs, kernel, upstream)
    expected = gradients(plain, inputs, kernel, upstream)
    for one, other in zip(found, expected):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_has_second_derivatives():
    padding = [[0, 0], [2, 0], [1, 1], [0, 0]]
    kernel = tf.random.normal([3, 3, 1, 2])
    inputs = tf.Variable(tf.random.normal([1, 3, 3, 1]))

    def second(convolve):
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                loss = tf.reduce_sum(tf.tanh(convolve(inputs.value())) ** 2)
            gradient = inner.gradient(loss, inputs)
        return outer.gradient(gradient, inputs)

    np.testing.assert_allclose(
        second(lambda x: padded_conv2d(x, kernel, padding)),
        second(lambda x: tf.nn.conv2d(tf.pad(x, padding), kernel, 1, "VALID")),
        rtol=1e-4,
        atol=1e-5,
    )
