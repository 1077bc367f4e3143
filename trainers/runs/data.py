"""The images that a config names, as training, scores and results take them."""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_pixelcnn import anomaly, datasets
from keras_pixelcnn.datasets import degradation
from keras_pixelcnn.training import (
    ImagesFromStream,
    ImagesInMemory,
    TrainingImages,
)
from keras_pixelcnn.training.data_order import Batch, Transform
from trainers.runs.config import ADDED_LATER

_FAILED_CHECK = re.compile(r"assertion failed: \[(.+)\] \[Received:\] \[(.*)\]")


class TrainingData(NamedTuple):
    """Training and validation images, and the shape and levels that a model needs.

    Both are single examples, always in the same order.
    """

    train: tf.data.Dataset
    validation: tf.data.Dataset
    steps_per_epoch: int
    image_shape: tuple[int, int, int]
    num_levels: int


def num_levels_of(config: Mapping[str, Any]) -> int:
    """Returns the levels that a config's images have, and so its model.

    Args:
        config: with the data fields of `trainers.configs.digits`.

    Raises:
        ValueError: when the images have more levels than the config says, and it does
            not say that they are merged on purpose: it may have its number from the
            config of other images.
    """
    levels, name = config["num_levels"], config["dataset"]
    native = datasets.native_num_levels(name, config["data_dir"])
    may_merge = config.get("merge_levels", ADDED_LATER["merge_levels"])
    if levels is not None and levels < native and not may_merge:
        raise ValueError(
            f"config.num_levels must be {native}, the levels that the images of "
            f"{name!r} have. Received: config.num_levels={levels}. Set "
            f"--config.num_levels={native}, or merge the levels on purpose: "
            "--config.merge_levels=True"
        )
    return native if levels is None else levels


def load_split(config: Mapping[str, Any], split: str) -> tf.data.Dataset:
    """Loads one split in its order, single examples of {"image", "label"}.

    For a `config.task` also "spatial", the image degraded, always in the same way.

    Args:
        config: with the data fields of `trainers.configs.digits`.
        split: the split's name in the dataset.

    Raises:
        ValueError: as `num_levels_of` and `keras_pixelcnn.datasets.load` do.
    """
    num_levels = num_levels_of(config)
    examples = datasets.load(
        config["dataset"],
        split,
        image_size=config["image_size"],
        color_mode=config["color_mode"],
        num_levels=config["num_levels"],
        shuffle=False,
        cache=config["cache"],
        data_dir=config["data_dir"],
        label_feature=config.get("label_feature"),
    )
    task = _task(config)
    if task is None:
        return examples
    return task.add_maps(examples, num_levels)


def _task(config: Mapping[str, Any]) -> degradation.Degradation | None:
    name = config.get("task")
    return None if name is None else degradation.get(name)


def load_training_data(config: Mapping[str, Any]) -> TrainingData:
    """Loads the training and validation splits.

    Training leaves out the last, smaller batch of an epoch, so that all steps weigh
    alike; as orders differ, no image is left out for good. Validation takes every
    image.

    Raises:
        ValueError: when the training split does not fill one batch.
    """
    batch_size, split = config["batch_size"], config["train_split"]
    # Maps are made of what a batch holds, others each epoch.
    train = load_split({**config, "cache": False, "task": None}, split)
    steps = int(train.cardinality()) // batch_size
    if not steps:
        raise ValueError(
            f"config.batch_size must be at most {int(train.cardinality())}, the "
            f"images of split {split!r}. Received: {batch_size}"
        )
    return TrainingData(
        train,
        load_split(config, config["validation_split"]),
        steps,
        tuple(train.element_spec["image"].shape),
        num_levels_of(config),
    )


def training_images(
    config: Mapping[str, Any],
    data: TrainingData,
    prepare: Callable[[Mapping[str, Any]], dict[str, Any]],
) -> TrainingImages:
    """Returns the images in the order of training; with `config.cache` all in memory.

    Raises:
        ValueError: when the examples do not fit the model or the config.
    """
    task = _task(config)

    def prepare_others(batch: Mapping[str, Any]) -> dict[str, Any]:
        """Prepares images whose maps are made later."""
        shape = task.spatial_shape(data.image_shape)
        blank = tf.zeros([tf.shape(batch["image"])[0], *shape])
        features = prepare({**batch, "spatial": blank})
        return {name: features[name] for name in features if name != "spatial"}

    own = prepare if task is None else prepare_others
    options = {
        "batch_size": config["batch_size"],
        "seed": config["seed"],
        "horizontal_flips": config["horizontal_flips"],
        "transform": _transform(config, data.num_levels),
    }
    if not config["cache"]:
        return ImagesFromStream(data.train, own, **options)
    features, labels = _all_features(data.train, own)
    return ImagesInMemory(
        features, labels=labels, sampling=config["sampling"], **options
    )


def _transform(config: Mapping[str, Any], num_levels: int) -> Transform | None:
    """Returns the change of images before training, None where there is none."""
    task, rate = _task(config), config.get("mutation_rate", 0.0)

    def mutate(batch: Batch, generator: np.random.Generator) -> Batch:
        image = anomaly.mutate(batch["image"], rate, num_levels, generator)
        return {**batch, "image": image}

    def degrade(batch: Batch, generator: np.random.Generator) -> Batch:
        return {**batch, "spatial": task.maps(batch["image"], num_levels, generator)}

    if task is not None:
        return degrade
    return mutate if rate else None


def _all_features(
    examples: tf.data.Dataset, prepare: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Returns the model's features of all examples, and their labels."""
    convert = tf.autograph.experimental.do_not_convert(
        lambda batch: (prepare(batch), batch["label"])
    )
    batches = list(examples.batch(1024).map(convert).as_numpy_iterator())
    features = {
        name: np.concatenate([batch[name] for batch, _ in batches])
        for name in batches[0][0]
    }
    return features, np.concatenate([labels for _, labels in batches])


def validation_batches(
    config: Mapping[str, Any],
    data: TrainingData,
    prepare: Callable[[Mapping[str, Any]], dict[str, Any]],
) -> Callable[[], Iterator[dict[str, np.ndarray]]]:
    """Returns a function that iterates over the batches of all validation images."""
    convert = tf.autograph.experimental.do_not_convert(prepare)
    batches = data.validation.batch(config["batch_size"]).map(convert).prefetch(2)
    return batches.as_numpy_iterator


def batches_of(
    features: Mapping[str, np.ndarray], size: int
) -> Callable[[], Iterator[dict[str, np.ndarray]]]:
    """Returns a function that iterates over the batches of arrays, in their order.

    Args:
        features: arrays that lead with the number of images.
        size: images in a batch; the last may be smaller.
    """

    def batches() -> Iterator[dict[str, np.ndarray]]:
        for start in range(0, len(features["image"]), size):
            rows = slice(start, start + size)
            yield {name: value[rows] for name, value in features.items()}

    return batches


def in_batches(function: Callable[..., Any], size: int, *arrays: Any) -> np.ndarray:
    """Calls a function on batches of arrays, and joins what it returns.

    Args:
        function: of the arrays' parts, which returns an array or a tensor.
        size: of a batch; the last may be smaller.
        *arrays: arrays or lists that lead with the same number, at least 1.
    """
    starts = range(0, len(arrays[0]), size)
    parts = ([array[i : i + size] for array in arrays] for i in starts)
    return np.concatenate([np.asarray(function(*part)) for part in parts])


class LabelledImages(NamedTuple):
    """Images (n, height, width, channels) and labels (n,), -1 where there is none."""

    image: np.ndarray
    label: np.ndarray

    def choose(self, most: int | None) -> "LabelledImages":
        """Returns at most so many, chosen at random, always the same ones.

        Args:
            most: how many. None: all.
        """
        if most is None or len(self.image) <= most:
            return self
        rows = np.random.default_rng(0).choice(len(self.image), most, replace=False)
        return LabelledImages(self.image[np.sort(rows)], self.label[np.sort(rows)])


def as_arrays(examples: tf.data.Dataset) -> LabelledImages:
    """Returns all images and labels of a split, in its order.

    Args:
        examples: single examples of {"image", "label"}, of known number.
    """
    batches = list(examples.batch(1024).as_numpy_iterator())
    names = LabelledImages._fields
    return LabelledImages(
        *(np.concatenate([batch[name] for batch in batches]) for name in names)
    )


@contextlib.contextmanager
def label_errors_explained(hint: str) -> Iterator[None]:
    """Replaces TensorFlow's error about wrong labels of a dataset by a `ValueError`.

    Datasets are read in graphs, whose errors hold the model's sentence among many
    words of TensorFlow's own. Other errors pass.

    Args:
        hint: what to do, which stands before the sentence.

    Raises:
        ValueError: when a check of labels failed inside the block.
    """
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        failed = _FAILED_CHECK.search(error.message)
        if failed is None:
            raise
        rule, received = failed.groups()
        raise ValueError(f"{hint} {rule} Received: {received}") from error
