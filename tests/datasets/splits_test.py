"""Tests that the splits of digits and folders divide the images, each time alike."""

import numpy as np

from keras_pixelcnn.datasets import splits


def test_the_division_never_changes():
    assert splits.choose("all", 12).tolist() == [9, 2, 5, 6, 11, 0, 4, 1, 8, 3, 7, 10]


def test_neighbours_are_scattered():
    steps = np.diff(splits.choose("train", 1000))
    assert np.mean(np.abs(steps) > 50) > 0.8
