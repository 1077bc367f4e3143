"""Tests of the order of the images."""

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.training import ImagesFromStream, ImagesInMemory

COUNT, BATCH = 23, 4
LABELS = np.repeat([0, 1, 2], [15, 5, 3])
_COLUMNS = np.array([1, 0, 0])[:, None]
FEATURES = {
    # The first pixel tells which image it is, and so on which side it stands.
    "image": (100 + np.arange(COUNT))[:, None, None, None] * _COLUMNS,
    "label": LABELS,
}


def in_memory(seed=0, **arguments):
    return ImagesInMemory(
        FEATURES, batch_size=BATCH, seed=seed, labels=LABELS, **arguments
    )


def from_stream(seed=0, **arguments):
    examples = tf.data.Dataset.from_tensor_slices(FEATURES)
    return ImagesFromStream(
        examples, lambda batch: batch, batch_size=BATCH, seed=seed, **arguments
    )


def images_of(batches):
    return np.concatenate([batch["image"] for batch in batches])


def order_of(batches):
    return images_of(batches).max(axis=(1, 2, 3)) - 100


@pytest.mark.parametrize("make", [in_memory, from_stream])
def test_an_epoch_holds_an_image_at_most_once_and_is_another_each_time(make):
    images = make()
    assert images.steps_per_epoch == 5
    orders = [tuple(order_of(images.batches(epoch))) for epoch in range(3)]
    for order in orders:
        assert len(order) == len(set(order)) == 20
    assert len(set(orders)) == 3
    assert tuple(order_of(make(seed=1).batches(0))) not in orders


@pytest.mark.parametrize("make", [in_memory, from_stream])
def test_an_epoch_is_entered_anywhere_whatever_came_before(make):
    whole = images_of(make(horizontal_flips=True).batches(2))
    for first in range(5):
        rest = list(make(horizontal_flips=True).batches(2, first))
        assert len(rest) == 5 - first
        np.testing.assert_array_equal(images_of(rest), whole[first * BATCH :])
    assert list(make().batches(2, 5)) == []


@pytest.mark.parametrize("make", [in_memory, from_stream])
def test_a_batch_is_transformed_by_chance_of_its_own_step(make):
    def add_noise(batch, generator):
        noise = generator.random(batch["image"].shape)
        return {**batch, "image": batch["image"] + noise}

    plain = images_of(make().batches(2))
    images = make(transform=add_noise)
    whole = images_of(images.batches(2))
    noise = (whole - plain).reshape(5, -1)
    assert len({row.tobytes() for row in noise}) == 5
    np.testing.assert_array_equal(images_of(images.batches(2, 3)), whole[3 * BATCH :])
    other = images_of(images.batches(1)) - images_of(make().batches(1))
    assert np.abs(other.ravel() - noise.ravel()).min() > 0


@pytest.mark.parametrize("make", [in_memory, from_stream])
def test_about_half_of_the_images_are_mirrored(make):
    images = make(horizontal_flips=True)
    seen = np.concatenate([images_of(images.batches(epoch)) for epoch in range(20)])
    mirrored = seen[:, 0, 2, 0] >= 100
    assert np.all(mirrored != (seen[:, 0, 0, 0] >= 100))
    assert 0.35 < mirrored.mean() < 0.65
    plain = images_of(make().batches(0))
    assert np.all(plain[:, 0, 0, 0] >= 100)


def test_labels_stay_with_their_images():
    for batch in in_memory(sampling="class_balanced").batches(0):
        order = batch["image"].max(axis=(1, 2, 3)) - 100
        np.testing.assert_array_equal(batch["label"], LABELS[order])


def test_balanced_classes_come_equally_often_and_their_images_too():
    images = in_memory(sampling="class_balanced")
    order = np.concatenate([order_of(images.batches(epoch)) for epoch in range(30)])
    counts = np.bincount(LABELS[order])
    assert np.ptp(counts) <= 30
    for epoch in range(3):
        labels = LABELS[order_of(images.batches(epoch))]
        for run in range(0, 18, 3):
            assert set(labels[run : run + 3]) == {0, 1, 2}
    assert len(set(order)) == COUNT


def test_too_few_images_are_told():
    with pytest.raises(ValueError, match=r"at most 23, .*Received: 24"):
        ImagesInMemory(FEATURES, batch_size=24, seed=0)


def test_classes_cannot_be_balanced_without_labels():
    for labels in (None, np.full(COUNT, -1)):
        with pytest.raises(ValueError, match="needs a label for every image"):
            ImagesInMemory(
                FEATURES, batch_size=4, seed=0, sampling="class_balanced", labels=labels
            )


def test_an_unknown_sampling_is_told():
    with pytest.raises(ValueError, match=r"'plain', 'class_balanced'.*'fair'"):
        in_memory(sampling="fair")
