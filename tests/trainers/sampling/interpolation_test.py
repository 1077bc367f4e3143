"""Tests of the program that draws the way between two images."""

import numpy as np
import pytest

from keras_pixelcnn import datasets
from trainers.runs.data import LabelledImages
from trainers.sampling import interpolation

pytestmark = pytest.mark.op_by_op


@pytest.fixture(scope="module")
def splits():
    return interpolation.load_splits("digits")


@pytest.fixture(scope="module")
def trained(splits):
    few = LabelledImages(*(values[:256] for values in splits[0]))
    return interpolation.train_on_embeddings(few, 17, epochs=1, seed=0)


def test_embeddings_are_of_unit_scale_and_tell_classes_apart(splits, trained):
    _, embed = trained
    test = splits[1]
    embedded = embed(test.image)
    assert embedded.shape == (180, 9)
    assert 0.3 < embedded.std(axis=0).min() and embedded.std(axis=0).max() < 3
    means = np.stack([embedded[test.label == k].mean(axis=0) for k in range(10)])
    nearest = ((embedded[:, None] - means) ** 2).sum(axis=-1).argmin(axis=-1)
    assert np.mean(nearest == test.label) > 0.8


@pytest.mark.parametrize("method", ["linear", "spherical"])
def test_rows_begin_and_end_with_their_pair(splits, trained, method):
    rows = interpolation.sample_rows(*trained, splits[1], 3, 4, 0, method)
    assert rows.shape == (3, 6, 8, 8, 1) and rows.max() < 17
    images = {image.tobytes() for image in splits[1].image}
    for row in rows:
        assert row[0].tobytes() in images and row[-1].tobytes() in images
        assert row[0].tobytes() != row[-1].tobytes()
    again = interpolation.sample_rows(*trained, splits[1], 3, 4, 0, method)
    np.testing.assert_array_equal(again, rows)


def test_images_of_one_class_are_refused(monkeypatch):
    load = datasets.load

    def one_class(*args, **kwargs):
        return load(*args, **kwargs).map(lambda x: {**x, "label": x["label"] * 0})

    monkeypatch.setattr(datasets, "load", one_class)
    with pytest.raises(ValueError, match="at least two classes"):
        interpolation.load_splits("digits")
