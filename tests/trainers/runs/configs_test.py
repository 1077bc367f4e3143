"""Tests of the configs of the paper's experiments: right, loadable, wired."""

import importlib
import warnings

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from keras_pixelcnn.datasets.tfds_builder import find_builder
from trainers.planning.planned_data import image_format
from trainers.runs import model_classes
from trainers.runs.config import check_config
from trainers.runs.data import load_split

IMAGENET = (
    "imagenet32",
    "imagenet64",
    "imagenet32_conditional",
    "imagenet64_conditional",
)
PAPER = (
    *IMAGENET,
    "cifar10",
    "cifar10_best",
    "cifar10_conditional",
    "cifar10_plus_plus",
    "binarized_mnist",
    "fashion_mnist",
    "fashion_mnist_unconditional",
    "fashion_mnist_background",
)
CLASSES = {
    "cifar10_conditional": 10,
    "fashion_mnist": 10,
    "imagenet32_conditional": 1000,
    "imagenet64_conditional": 1000,
}


def get_config(name):
    return importlib.import_module(f"trainers.configs.{name}").get_config()


def load_mocked(config, split, count=3):
    """A split of random images, in the form that tfds says its images have."""
    options = {"num_examples": count}
    if config.num_levels == 2:
        options["as_dataset_fn"] = lambda builder, **_: _ink_and_paper(count)
    with warnings.catch_warnings(), tfds.testing.mock_data(**options):
        warnings.simplefilter("ignore")  # tfds's mock is behind on TensorFlow's names
        return load_split(config, split)


def _ink_and_paper(count):
    images = np.random.default_rng(0).integers(0, 2, (count, 28, 28, 1), "uint8")
    return tf.data.Dataset.from_tensor_slices({"image": images})


@pytest.mark.parametrize("name", PAPER)
def test_a_config_is_right_and_has_no_field_of_its_own(name):
    """Its network is wired, without weights: they would be gigabytes."""
    config = get_config(name).to_dict()
    check_config(config)
    form = image_format(config)
    assert model_classes.count_parameters(
        config["model_class"], *form, **config["model"]
    )


@pytest.mark.parametrize("name", PAPER)
def test_every_split_of_a_config_loads_as_planned(name):
    config = get_config(name)
    shape, num_levels = image_format(config)
    for split in (config.train_split, config.validation_split, config.test_split):
        examples = list(load_mocked(config, split).as_numpy_iterator())
        assert len(examples) == 3
        for example in examples:
            assert example["image"].shape == shape
            assert 0 <= example["image"].min() <= example["image"].max() < num_levels


@pytest.mark.parametrize("name", PAPER)
def test_the_classes_of_a_config_are_those_of_its_dataset(name):
    config = get_config(name)
    assert config.model.get("num_classes") == CLASSES.get(name)
    if name in CLASSES:
        features = find_builder(config.dataset, None).info.features
        assert features["label"].num_classes == CLASSES[name]
        examples = load_mocked(config, config.train_split).as_numpy_iterator()
        assert all(0 <= example["label"] < CLASSES[name] for example in examples)


@pytest.mark.parametrize("name", PAPER)
def test_no_image_is_both_trained_on_and_scored(name):
    config = get_config(name)
    splits = {
        part: tfds.core.SplitInfo(name=part, shard_lengths=[60_000], num_bytes=0)
        for part in ("train", "validation", "test")
    }
    seen = set()
    for split in (config.train_split, config.validation_split, config.test_split):
        (part,) = tfds.core.ReadInstruction.from_spec(split).to_absolute(splits)
        images = slice(part.from_, part.to).indices(60_000)
        own = {(part.splitname, index) for index in range(*images)}
        assert own and not own & seen
        seen |= own


def test_binarised_images_have_two_levels_and_keep_them():
    config = get_config("binarized_mnist")
    assert image_format(config) == ((28, 28, 1), 2)
    expected = [e["image"] for e in _ink_and_paper(3).as_numpy_iterator()]
    found = load_mocked(config, "train").as_numpy_iterator()
    np.testing.assert_array_equal([e["image"] for e in found], expected)


def test_images_are_kept_as_they_are_where_only_the_config_tells_their_size():
    config = get_config("imagenet32")
    stored = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), "uint8")

    def as_dataset(builder, **options):
        return tf.data.Dataset.from_generator(
            lambda: ({"image": image} for image in stored),
            output_signature={"image": tf.TensorSpec([None, None, 3], tf.uint8)},
        )

    with tfds.testing.mock_data(as_dataset_fn=as_dataset):
        examples = list(load_split(config, "train").as_numpy_iterator())
    np.testing.assert_array_equal([e["image"] for e in examples], stored)
