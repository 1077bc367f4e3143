"""A model without a network: each value depends on the one before it, and a label.

It has what the codec asks of a model and nothing else, and traces in no time.
"""

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn.likelihoods import Categorical
from keras_pixelcnn.models.base.conditions import Conditions


class MarkovModel:
    has_scan_steps = True

    def __init__(self, image_shape=(3, 4, 2), num_levels=7, seed=0, **conditions):
        self.image_shape = image_shape
        self.num_levels = num_levels
        self.conditions = Conditions(**conditions)
        self.pixel_likelihood = Categorical(num_levels, image_shape[-1])
        logits = np.random.default_rng(seed).normal(size=(num_levels, num_levels)) * 2
        self.weights = [keras.Variable(logits.astype("float32"))]

    def get_config(self):
        return {"image_shape": self.image_shape, "num_levels": self.num_levels}

    def scan(self, draw, conditions, slices):
        logits = self.weights[0].value
        inputs = {name: slices.arrange(value) for name, value in conditions.items()}
        height, width, channels = self.image_shape

        def scan_slice(index):
            shift = tf.zeros([slices.size, 1])
            if "label" in inputs:
                shift += tf.cast(inputs["label"][index], tf.float32)[:, tf.newaxis]
            if "embedding" in inputs:
                shift += inputs["embedding"][index][:, :1]
            scale = tf.exp(-0.1 * shift**2)

            def choose(place, value, values):
                pixel, channel = place // channels, place % channels
                draw_value = draw(index, pixel // width)
                here = tf.gather(logits, value) * scale
                value = draw_value(pixel % width, channel, here)
                value = tf.ensure_shape(value, [None])
                return place + 1, value, values.write(place, value)

            count = height * width * channels
            first = tf.zeros([slices.size], tf.int32)
            *_, values = tf.while_loop(
                lambda place, *_: place < count,
                choose,
                (0, first, tf.TensorArray(tf.int32, count)),
                shape_invariants=(
                    tf.TensorShape([]),
                    tf.TensorShape([None]),
                    tf.TensorShape(None),
                ),
            )
            values = tf.transpose(values.stack())
            return tf.reshape(values, [slices.size, *self.image_shape])

        return slices.restore(slices.run(scan_slice))

    def images(self, count, seed=0, size=None):
        shape = (*(size or self.image_shape[:2]), self.image_shape[-1])
        generator = np.random.default_rng(seed)
        values = generator.integers(0, self.num_levels, (count, *shape))
        return values.astype("uint8")
