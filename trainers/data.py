"""The images that a config names."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_pixelcnn import datasets


class TrainingData(NamedTuple):
    """What a model is fitted to and validated on, and what it must be built for.

    `train` comes in batches, `validation` in single examples.
    """

    train: tf.data.Dataset
    validation: tf.data.Dataset
    steps_per_epoch: int
    image_shape: tuple[int, int, int]
    num_levels: int


def load_split(
    config: Mapping[str, Any], split: str, shuffle: bool = False
) -> tf.data.Dataset:
    """Loads one split, single examples of {"image", "label"}.

    Args:
        config: with the data fields of `trainers.configs.digits`.
        split: the split's name in the dataset.
        shuffle: whether each epoch has an order of its own. Default False.
    """
    return datasets.load(
        config["dataset"],
        split,
        image_size=config["image_size"],
        color_mode=config["color_mode"],
        num_levels=config["num_levels"],
        shuffle=shuffle,
        seed=config["seed"],
        cache=config["cache"],
        data_dir=config["data_dir"],
    )


def load_training_data(config: Mapping[str, Any]) -> TrainingData:
    """Loads the training and validation splits.

    Training leaves out the last, smaller batch of an epoch, so that all steps weigh
    alike; as orders differ, no image is left out for good. Validation takes every
    image.

    Raises:
        ValueError: when the training split does not fill one batch.
    """
    batch_size = config["batch_size"]
    train = load_split(config, config["train_split"], shuffle=True)
    validation = load_split(config, config["validation_split"])
    steps = int(train.cardinality()) // batch_size
    if not steps:
        raise ValueError(
            f"config.batch_size must be at most {int(train.cardinality())}, the "
            f"images of split {config['train_split']!r}. Received: {batch_size}"
        )
    return TrainingData(
        train.batch(batch_size, drop_remainder=True).prefetch(tf.data.AUTOTUNE),
        validation,
        steps,
        tuple(train.element_spec["image"].shape),
        config["num_levels"]
        or datasets.native_num_levels(config["dataset"], config["data_dir"]),
    )


def as_array(images: tf.data.Dataset) -> np.ndarray:
    """All images of a split, (images, height, width, channels), in its order."""
    batches = images.batch(256).as_numpy_iterator()
    return np.concatenate([batch["image"] for batch in batches])
