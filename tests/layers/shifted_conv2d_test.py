import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.layers import ShiftedConv2D, ShiftedConv2DTranspose
from tests.test_case import check_layer

SIZES = [(1, 1), (1, 9), (5, 4), (8, 8), (9, 1)]
# Direction, mask, kernel and strides.
CASES = [
    ("down", "B", (2, 3), 1),
    ("down", "B", (2, 3), 2),
    ("down", "B", (2, 5), 1),
    ("down", "A", (2, 3), 1),
    ("down", "A", (1, 3), 1),
    ("down_right", "B", (2, 2), 1),
    ("down_right", "B", (2, 2), 2),
    ("down_right", "A", (2, 1), 1),
]


def with_bias(layer, inputs):
    layer(inputs)
    layer.bias.assign(tf.random.normal(layer.bias.shape))
    return layer


@pytest.mark.parametrize(("direction", "mask", "kernel", "strides"), CASES)
def test_gradients_in_training_are_the_same(direction, mask, kernel, strides):
    inputs = tf.random.normal([2, 5, 6, 3])
    layer = with_bias(
        ShiftedConv2D(4, direction, mask, kernel, strides=strides), inputs
    )
    found = []
    for training in (True, False):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = tf.reduce_sum(layer(inputs, training=training) ** 2)
        found.append(tape.gradient(loss, [inputs, *layer.trainable_variables]))
    for ours, theirs in zip(*found):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def as_rows(images):
    """Four images in two slices, as rows (slices, width, examples, features)."""
    _, *shape = images.shape
    return tf.transpose(tf.reshape(images, [2, 2, *shape]), [2, 0, 3, 1, 4])


@pytest.mark.parametrize(
    ("direction", "mask", "kernel", "strides"),
    [case for case in CASES if case[2] != (2, 5)],
)
def test_steps_equal_whole(direction, mask, kernel, strides):
    for size in SIZES:
        inputs = tf.random.normal([4, *size, 3])
        layer = with_bias(
            ShiftedConv2D(4, direction, mask, kernel, strides=strides), inputs
        )
        steps, whole = layer.steps(), as_rows(layer(inputs))
        rows = tf.pad(as_rows(inputs), [[2, 0], *[[0, 0]] * 4])
        newest = 2 if direction == "down_right" or mask == "B" else 1
        for i in range(whole.shape[0]):
            here = strides * i + newest
            link = steps.above(rows[here - 1])
            np.testing.assert_allclose(
                link + steps.row(rows[here]), whole[i], atol=1e-5
            )
            if direction == "down":
                continue
            pixels = tf.pad(rows[here][0], [[1, 0], [0, 0], [0, 0]])
            for j in range(whole.shape[2]):
                left, own = pixels[strides * j], pixels[strides * j + 1]
                outputs = link[0, j] + steps.pixel(left, own if mask == "B" else None)
                np.testing.assert_allclose(outputs, whole[i, 0, j], atol=1e-5)


@pytest.mark.parametrize("direction", ["down", "down_right"])
def test_transposed(direction):
    """Each input goes to the taps of the kernel around twice its place."""
    for size in SIZES:
        half = [-(-n // 2) for n in size]
        inputs = tf.random.normal([4, *half, 3])
        layer = with_bias(ShiftedConv2DTranspose(5, direction, size), inputs)
        outputs = layer(inputs)
        assert outputs.shape == (4, *size, 5)
        columns = layer.kernel.shape[1]
        for i, j in np.ndindex(*size):
            expected = np.tile(layer.bias.numpy(), (4, 1))
            for column in range(half[1]):
                tap = j - 2 * column + (direction == "down")
                if 0 <= tap < columns:
                    kernel = layer.kernel.numpy()[i % 2, tap]
                    expected += inputs[:, i // 2, column].numpy() @ kernel.T
            np.testing.assert_allclose(outputs[:, i, j], expected, atol=1e-5)

        steps, rows, whole = layer.steps(), as_rows(inputs), as_rows(outputs)
        for i, row in enumerate(rows):
            for below, ours in enumerate(steps.row(row)):
                if 2 * i + below < size[0]:
                    np.testing.assert_allclose(ours, whole[2 * i + below], atol=1e-5)
            if direction == "down":
                continue
            for j in range(half[1]):
                for right, ours in enumerate(steps.pixel(row[0, j])):
                    if 2 * j + right < size[1]:
                        theirs = whole[2 * i, 0, 2 * j + right]
                        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("direction", ["down", "down_right"])
def test_is_a_layer(direction):
    inputs = tf.random.normal([2, 5, 4, 3])
    check_layer(ShiftedConv2D(4, direction), inputs)
    check_layer(ShiftedConv2D(4, direction, strides=2, use_bias=False), inputs)
    check_layer(ShiftedConv2D(4, direction, "A", (1, 3)), inputs)
    check_layer(ShiftedConv2DTranspose(4, direction, (9, 8)), inputs)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"direction": "right"}, "direction must be one of.*'right'"),
        ({"mask_type": "C"}, "mask_type must be"),
        ({"kernel_size": (2, 2)}, "must have odd columns.*2, 2"),
        ({"strides": 3}, "strides must be 1, or 2.*3"),
        ({"strides": 2, "mask_type": "A"}, "strides must be 1, or 2.*'A'"),
    ],
)
def test_refuses(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        ShiftedConv2D(**{"filters": 4, "direction": "down", **arguments})


def test_steps_refuse_tall_kernels():
    layer = ShiftedConv2D(4, "down", kernel_size=(3, 3))
    layer(tf.zeros([1, 4, 4, 2]))
    with pytest.raises(ValueError, match=r"2 rows at most.*\(3, 3\)"):
        layer.steps()
