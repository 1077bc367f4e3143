"""Tests that the splits of digits and folders divide the images, each time alike."""

import numpy as np
import pytest

from keras_pixelcnn.datasets import splits

PARTS = ("train", "validation", "test")


@pytest.mark.parametrize("count", [10, 11, 19, 1797])
def test_splits_are_disjoint_and_complete(count):
    parts = [splits.choose(split, count) for split in PARTS]
    assert sorted(np.concatenate(parts)) == list(range(count))
    np.testing.assert_array_equal(np.concatenate(parts), splits.choose("all", count))


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(10, [8, 1, 1]), (1000, [800, 100, 100]), (1797, [1437, 180, 180])],
)
def test_splits_are_80_10_and_10_percent(count, sizes):
    assert [len(splits.choose(split, count)) for split in PARTS] == sizes


def test_the_division_never_changes():
    assert splits.choose("all", 12).tolist() == [9, 2, 5, 6, 11, 0, 4, 1, 8, 3, 7, 10]


def test_neighbours_are_scattered():
    steps = np.diff(splits.choose("train", 1000))
    assert np.mean(np.abs(steps) > 50) > 0.8


def test_an_unknown_split_is_answered_with_the_ones_there_are():
    with pytest.raises(
        ValueError, match=r"'train', 'validation', 'test', 'all'.*'dev'"
    ):
        splits.choose("dev", 10)


def test_an_empty_split_is_an_error():
    with pytest.raises(
        ValueError, match="'validation' is empty: there are only 3 images"
    ):
        splits.choose("validation", 3)
