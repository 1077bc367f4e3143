"""Tests of batches of several images of each of several identities."""

import collections
import itertools

import numpy as np
import pytest

from keras_pixelcnn.training import IdentityBatches

COUNTS = {3: 7, 5: 4, 8: 1, 9: 12, 11: 2, 20: 6}
"""Images of each identity; one of them has a single image."""


def new_batches(counts=COUNTS, **options):
    labels = np.repeat(list(counts), list(counts.values()))
    labels = np.random.default_rng(0).permutation(labels)
    features = {"image": np.arange(len(labels)), "label": labels}
    options = {"identities": 3, "images_each": 4, "seed": 0, **options}
    return IdentityBatches(features, **options)


def test_a_batch_holds_k_images_of_each_of_p_identities():
    batches = new_batches()
    assert (batches.batch_size, batches.steps_per_epoch) == (12, 31 // 12)
    for epoch in range(4):
        found = list(batches.batches(epoch))
        assert len(found) == batches.steps_per_epoch
        for batch in found:
            groups = batch["label"].reshape(3, 4)
            assert (groups == groups[:, :1]).all()
            assert len(set(groups[:, 0])) == 3
            assert 8 not in groups
            assert (
                batch["label"] == new_batches()._features["label"][batch["image"]]
            ).all()


def test_images_of_an_identity_in_a_batch_differ_if_it_has_enough():
    for batch in new_batches(steps_per_epoch=50).batches(0):
        for identity, rows in zip(batch["label"][::4], batch["image"].reshape(3, 4)):
            assert len(set(rows)) == min(COUNTS[identity], 4)


def test_identities_and_their_images_come_equally_often():
    batches = new_batches(steps_per_epoch=100)
    found = list(batches.batches(0))
    identities = np.concatenate([batch["label"][::4] for batch in found])
    assert set(np.bincount(identities)[[3, 5, 9, 11, 20]]) == {60}
    images = collections.Counter(np.concatenate([b["image"] for b in found]).tolist())
    labels = batches._features["label"]
    for identity, count in COUNTS.items():
        times = [images[row] for row in np.flatnonzero(labels == identity)]
        if count > 1:
            assert max(times) - min(times) <= 1


def test_epochs_and_seeds_have_orders_of_their_own_that_repeat():
    def order(seed, epoch):
        batches = new_batches(seed=seed).batches(epoch)
        return tuple(np.concatenate([batch["image"] for batch in batches]))

    places = list(itertools.product((0, 1), (0, 1, 2)))
    assert len({order(*place) for place in places}) == len(places)
    assert order(1, 2) == order(1, 2)


def test_batches_go_on_inside_an_epoch():
    batches = new_batches(steps_per_epoch=5)
    whole = [batch["image"] for batch in batches.batches(3)]
    rest = [batch["image"] for batch in batches.batches(3, first_step=2)]
    np.testing.assert_array_equal(rest, whole[2:])


def test_forever_is_one_epoch_after_another():
    batches = new_batches()
    found = [b["image"] for b in itertools.islice(batches.forever(), 5)]
    expected = [b["image"] for epoch in range(3) for b in batches.batches(epoch)]
    np.testing.assert_array_equal(found, expected[:5])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"identities": 1}, "identities must be an integer of at least 2"),
        ({"images_each": 1}, "images_each must be an integer of at least 2"),
        ({"steps_per_epoch": 0}, "steps_per_epoch must be an integer of at least 1"),
        ({"seed": -1}, "seed must be an integer of at least 0"),
        ({"seed": 1.5}, "seed must be an integer of at least 0"),
        ({"seed": None}, "seed must be an integer of at least 0"),
        ({"steps_per_epoch": True}, "steps_per_epoch must be an integer"),
        ({"identities": 6}, "at most 5, the identities with two images or more"),
    ],
)
def test_sizes_out_of_range_are_told(options, told):
    with pytest.raises(ValueError, match=f"{told}.* Received: "):
        new_batches(**options)


@pytest.mark.parametrize(
    "features",
    [
        {"image": np.zeros(4)},
        {"image": np.zeros(4), "label": np.array([0, 0, 1, -1])},
        {"image": np.zeros(4), "label": np.array([0, 0, 1])},
        {"image": np.zeros(4), "label": np.zeros(4)},
    ],
)
def test_missing_labels_are_told(features):
    with pytest.raises(ValueError, match=r"label.* Received: "):
        IdentityBatches(features, identities=2, images_each=2, seed=0)


@pytest.mark.parametrize(
    ("features", "told"),
    [
        (np.zeros((4, 2)), 'dict that holds "image" and "label"'),
        ({"label": [0, 0, 1, 1], "z": np.zeros(3)}, "one and the same number"),
        ({"label": [0, 0, 1, 1], "z": 3}, "lead with the number of images"),
    ],
)
def test_features_that_are_not_of_each_image_are_told(features, told):
    if isinstance(features, dict):
        features = {"image": np.zeros(4), **features}
    with pytest.raises(ValueError, match=f"{told}.* Received: "):
        IdentityBatches(features, identities=2, images_each=2, seed=0)
