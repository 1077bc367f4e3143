"""Tests of the configs of the paper's experiments: right, loadable and trainable."""

import importlib
import warnings

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from keras_pixelcnn import bits_per_dim
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
    config = get_config(name)
    check_config(config.to_dict())
    channels = image_format(config)[0][2]
    if config.model_class == "GatedPixelCNN":
        assert config.model.filters % channels == 0


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


@pytest.mark.parametrize("name", IMAGENET)
def test_imagenet_is_trained_as_the_paper_says(name):
    config = get_config(name)
    model = config.model
    assert (model.num_blocks, model.filters, model.kernel_size) == (20, 384, 5)
    assert (config.steps, config.batch_size) == (200_000, 128)
    assert config.test_split == "validation"


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


@pytest.mark.parametrize("name", ["imagenet{}", "imagenet{}_conditional"])
def test_networks_for_imagenet_are_the_same_at_both_sizes(name):
    """So that it is enough to train each of them at one size."""
    small, large = (get_config(name.format(size)) for size in (32, 64))
    assert small.model.to_dict() == large.model.to_dict()


SAME_BUT_FOR_LABELS = {
    "imagenet32": "imagenet32_conditional",
    "cifar10": "cifar10_conditional",
}


@pytest.mark.parametrize("name", SAME_BUT_FOR_LABELS)
def test_networks_with_labels_are_those_without(name):
    """So that it is enough to train one of the two."""
    plain, labelled = map(get_config, (name, SAME_BUT_FOR_LABELS[name]))
    more = {k: labelled.model[k] for k in ("num_classes", "condition_dropout")}
    assert labelled.model.to_dict() == plain.model.to_dict() | more


# Of those that differ in labels alone, one; that of clothes without is a preset's.
LIKE_ANOTHER = {"imagenet64", "imagenet32_conditional", "fashion_mnist_unconditional"}
TRAINED = [name for name in PAPER if name not in {*LIKE_ANOTHER, *SAME_BUT_FOR_LABELS}]


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_one_step_of_training_of_the_network(name):
    """On a corner of an image: the networks are the same at every size.

    As deep as it is and a quarter as wide: the gigabytes of the widest prove no more.
    Op by op: tracing a step of these takes longer than computing it once.
    """
    config = get_config(name)
    ((*_, channels), num_levels), arguments = image_format(config), config.model
    shape, arguments = (4, 4, channels), arguments.to_dict()
    arguments["filters"] //= 4 * channels
    arguments["filters"] *= channels
    model = model_classes.find(config.model_class)(shape, num_levels, **arguments)
    before = [weight.numpy() for weight in model.trainable_weights[:2]]
    model.compile("sgd", run_eagerly=True)
    (batch,) = load_mocked(config, config.train_split, count=1).batch(1)
    batch["image"] = batch["image"][:, :4, :4]
    bits = model.fit(batch, verbose=0).history["bits_per_dim"]
    # Fresh weights know nothing of the images: all parameters are about 0.
    likelihood = model.pixel_likelihood
    zeros = tf.zeros([1, *shape[:2], *likelihood.pixel_shape])
    nats = likelihood.image_log_prob(zeros, batch["image"])
    np.testing.assert_allclose(bits, bits_per_dim(nats, model.num_dims), atol=0.15)
    for old, weight in zip(before, model.trainable_weights[:2], strict=True):
        assert np.any(old != weight.numpy())
        assert np.isfinite(weight.numpy()).all()
