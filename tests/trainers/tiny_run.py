"""What the tests of runs share: a tiny config, and readers of what runs leave."""

import json

import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from keras_pixelcnn import datasets
from trainers.configs import digits
from trainers.data import as_array

STEPS = 1437 // 64


def tiny_config(**fields):
    # Deterministic operations cannot be switched off again in this process, and other
    # tests' random operations would then need seeds.
    config = digits.get_config()
    config.model.update(filters=4, num_blocks=1)
    config.update(epochs=2, sample_every=0, num_samples=4, deterministic=False)
    config.update(fields)
    return config


def images_of(split):
    return as_array(datasets.load("digits", split, shuffle=False))


def read_metrics(workdir):
    return json.loads((workdir / "metrics.json").read_text())


def read_log(folder, tag):
    """The values of a tag by step, over all event files."""
    log = EventAccumulator(str(folder))
    log.Reload()
    events = [event for event in log.Tensors(tag)]
    return {event.step: tf.make_ndarray(event.tensor_proto) for event in events}
