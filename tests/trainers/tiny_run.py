"""What the tests of programs share: tiny models and runs, and readers of files."""

import json

import numpy as np
import tensorflow as tf
from absl import flags
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import keras_pixelcnn as kp
from keras_pixelcnn import datasets
from tests.test_case import randomize
from trainers.configs import digits
from trainers.runs.data import as_arrays

STEPS = 1437 // 64


def tiny_config(**fields):
    # Deterministic operations cannot be switched off again in this process, and other
    # tests' random operations would then need seeds.
    config = digits.get_config()
    config.model.update(filters=4, num_blocks=1)
    config.update(epochs=2, sample_every=0, num_samples=4, deterministic=False)
    config.update(fields)
    return config


def tiny_model(image_shape=(8, 8, 1), num_levels=17, **conditions):
    """An untrained model whose conditions matter."""
    filters = 4 * image_shape[-1]
    model = kp.GatedPixelCNN(
        image_shape, num_levels, filters=filters, num_blocks=1, **conditions
    )
    return randomize(model)


def call(program, *arguments):
    """Runs a program in this process, with flags of its own."""
    values = flags.FlagValues()
    program.define_flags(values)
    values([program.__name__, *map(str, arguments)])
    program.main(values)


def labels_of(split):
    examples = datasets.load("digits", split, shuffle=False).as_numpy_iterator()
    return np.array([example["label"] for example in examples])


def images_of(split):
    return as_arrays(datasets.load("digits", split, shuffle=False)).image


def read_metrics(workdir):
    return json.loads((workdir / "metrics.json").read_text())


def read_log(folder, tag):
    """The values of a tag by step, over all event files."""
    log = EventAccumulator(str(folder))
    log.Reload()
    events = [event for event in log.Tensors(tag)]
    return {event.step: tf.make_ndarray(event.tensor_proto) for event in events}
