"""Tests of the embedded digits and of what `load` promises for every source."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

from keras_pixelcnn.datasets import load, native_num_levels
from tests.forked import run_source

SIZES = {"train": 1437, "validation": 180, "test": 180, "all": 1797}


def _arrays(dataset):
    examples = list(dataset.as_numpy_iterator())
    images = np.stack([example["image"] for example in examples])
    return images, np.array([example["label"] for example in examples])


def _keys(split, **options):
    return [image.tobytes() for image in _arrays(load("digits", split, **options))[0]]


@pytest.mark.parametrize(("split", "size"), SIZES.items())
def test_each_split_has_its_size_and_its_types(split, size):
    dataset = load("digits", split)
    assert int(dataset.cardinality()) == size
    assert dataset.element_spec == {
        "image": tf.TensorSpec((8, 8, 1), tf.uint8),
        "label": tf.TensorSpec((), tf.int64),
    }
    images, labels = _arrays(dataset)
    assert len(images) == size
    assert set(labels) == set(range(10))


def test_all_levels_occur():
    images, _ = _arrays(load("digits", "all"))
    assert set(images.ravel()) == set(range(17))
    assert native_num_levels("digits") == 17


def test_images_keep_their_labels():
    stored = {
        image.astype(np.uint8).tobytes(): label
        for image, label in zip(*load_digits(return_X_y=True), strict=True)
    }
    images, labels = _arrays(load("digits", "all", shuffle=True, batch_size=None))
    assert [stored[image.tobytes()] for image in images] == labels.tolist()


@pytest.mark.parametrize(
    ("split", "shuffle", "shuffled"),
    [
        ("train", None, True),
        ("train", False, False),
        ("test", None, False),
        ("test", True, True),
        ("all", None, False),
    ],
)
def test_what_starts_with_train_is_shuffled_unless_told_otherwise(
    split, shuffle, shuffled
):
    dataset = load("digits", split, shuffle=shuffle)
    first, second = (_arrays(dataset)[0] for _ in range(2))
    assert np.array_equal(first, second) != shuffled


def test_more_levels_than_there_are_is_an_error():
    with pytest.raises(ValueError, match="at most 17"):
        load("digits", num_levels=32)


def test_a_wrong_split_is_answered_with_the_ones_there_are():
    with pytest.raises(
        ValueError, match=r"'train', 'validation', 'test', 'all'.*'dev'"
    ):
        load("digits", "dev")


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("split", None),
        ("split", ["train"]),
        ("batch_size", 0),
        ("batch_size", -1),
        ("batch_size", 2.0),
        ("on_damaged", "ignore"),
        ("color_mode", "grey"),
        ("num_levels", 1),
    ],
)
def test_a_wrong_argument_is_named(argument, value):
    with pytest.raises(ValueError, match=f"`{argument}` must be .* received"):
        load("digits", **{argument: value})


@pytest.mark.parametrize("name", ["", None, 3])
def test_a_name_is_a_string(name):
    with pytest.raises(ValueError, match="`name` must be a string, received"):
        load(name)


def test_tfds_is_not_imported_for_digits():
    run_source("""
import sys
from keras_pixelcnn import datasets
datasets.load("digits")
assert "tensorflow_datasets" not in sys.modules
""")
