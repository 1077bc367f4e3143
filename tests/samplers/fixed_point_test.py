import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.samplers import KnownPixels, ancestral_scan, fixed_point_scan

HEIGHT, WIDTH, CHANNELS, LEVELS = 3, 4, 2, 5


class ToyModel:
    """Logits of each value from weighted sums of all values before it."""

    def __init__(self, strength, seed=0):
        size = HEIGHT * WIDTH * CHANNELS
        generator = np.random.default_rng(seed)
        weights = generator.normal(size=(size, size, LEVELS)) * strength
        causal = np.triu(np.ones((size, size)), 1)[..., None]  # from earlier values
        self.weights = tf.constant(weights * causal, tf.float32)
        self.calls = 0

    def parameters(self, images):
        self.calls += 1
        flat = tf.cast(tf.reshape(images, [-1, HEIGHT * WIDTH * CHANNELS]), tf.float32)
        logits = tf.einsum("bi,ijl->bjl", flat, self.weights)
        return tf.reshape(logits, [-1, HEIGHT, WIDTH, CHANNELS, LEVELS])


def channel_parameters(pixels, before):
    return pixels[:, len(before)]


def invert(logits, noise):
    cumulative = tf.cumsum(tf.nn.softmax(logits), axis=-1)
    return tf.reduce_sum(
        tf.cast(cumulative[..., :-1] <= noise[..., None], tf.int32), -1
    )


def both(model, noise, known=None):
    def draw_pixel(_, row):
        def draw(column, channel, logits):
            value = invert(logits, noise[:, row, column, channel])
            if known is None:
                return value
            mask, image = (each[:, row, column, channel] for each in known[::-1])
            return tf.where(mask, image, value)

        return draw

    shape = (HEIGHT, WIDTH, CHANNELS)
    expected = ancestral_scan(
        model.parameters, channel_parameters, draw_pixel, shape, len(noise), known
    )
    found = fixed_point_scan(
        model.parameters,
        channel_parameters,
        lambda channel, logits: invert(logits, noise[..., channel]),
        shape,
        len(noise),
        known,
    )
    return expected.numpy(), found.images.numpy(), int(found.passes)


def uniforms(batch_size):
    generator = np.random.default_rng(1)
    shape = (batch_size, HEIGHT, WIDTH, CHANNELS)
    return tf.constant(generator.random(shape), tf.float32)


@pytest.mark.parametrize("strength", [0.0, 0.1, 3.0])
def test_images_are_those_of_the_ancestral_sampler(strength):
    expected, found, passes = both(ToyModel(strength), uniforms(6))
    np.testing.assert_array_equal(found, expected)
    assert 2 <= passes <= HEIGHT * WIDTH * CHANNELS + 1
    if strength == 0:
        assert passes == 2  # nothing depends on anything: one pass, and one to see it


def test_known_pixels_stay_and_are_seen():
    generator = np.random.default_rng(2)
    shape = (6, HEIGHT, WIDTH, CHANNELS)
    image = tf.constant(generator.integers(0, LEVELS, shape), tf.int32)
    mask = tf.constant(generator.random(shape) < 0.5)
    known = KnownPixels(image, mask)
    expected, found, _ = both(ToyModel(2.0), uniforms(6), known)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(found[mask.numpy()], image.numpy()[mask.numpy()])


def test_everything_known_takes_one_pass():
    shape = (2, HEIGHT, WIDTH, CHANNELS)
    known = KnownPixels(tf.ones(shape, tf.int32), tf.ones(shape, tf.bool))
    _, found, passes = both(ToyModel(1.0), uniforms(2), known)
    assert passes == 1
    assert (found == 1).all()


def test_a_device_that_never_settles_ends_all_the_same():
    toggle = tf.Variable(0)

    def restless(channel, logits):
        toggle.assign_add(1)
        return tf.fill([1, 1, 2], toggle % 2)

    found = fixed_point_scan(
        lambda images: tf.zeros([1, 1, 2, 1, LEVELS]),
        channel_parameters,
        restless,
        (1, 2, 1),
        1,
    )
    assert int(found.passes) == 3
