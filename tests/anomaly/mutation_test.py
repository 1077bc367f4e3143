"""Tests of mutated images, and of faults that are painted."""

import numpy as np
import pytest

from keras_pixelcnn import anomaly


def test_so_many_values_are_drawn_anew_and_from_all_levels():
    images = np.full((400, 8, 8, 1), 5, np.uint8)
    mutated = anomaly.mutate(images, 0.3, 17, seed=1)
    assert mutated.dtype == np.uint8 and mutated.shape == images.shape
    counts = np.bincount(mutated.ravel(), minlength=17) / mutated.size
    assert counts[5] == pytest.approx(0.7 + 0.3 / 17, abs=0.015)
    np.testing.assert_allclose(np.delete(counts, 5), 0.3 / 17, atol=0.005)


def test_an_image_depends_on_the_seed_and_its_place_alone():
    images = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 3))
    mutated = anomaly.mutate(images, 0.5, 256, seed=7)
    np.testing.assert_array_equal(
        anomaly.mutate(images[:2], 0.5, 256, seed=7), mutated[:2]
    )
    assert (anomaly.mutate(images, 0.5, 256, seed=8) != mutated).any()
    generator = np.random.Generator(np.random.Philox(7))
    np.testing.assert_array_equal(anomaly.mutate(images, 0.5, 256, generator), mutated)
    assert (anomaly.mutate(images, 0.5, 256, generator) != mutated).any()


def test_nothing_is_mutated_at_rate_0():
    images = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 3))
    mutated = anomaly.mutate(images, 0, 256)
    np.testing.assert_array_equal(mutated, images)
    assert mutated is not images


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5, "0.1", True])
def test_a_rate_is_a_share(rate):
    with pytest.raises(ValueError, match=r"rate must be a number in \[0, 1\)"):
        anomaly.mutate(np.zeros((1, 2, 2, 1), int), rate, 4)


# Faults.


@pytest.mark.parametrize("size", [1, 3, 5])
def test_a_fault_is_a_square_on_what_the_image_shows(size):
    images = np.zeros((30, 9, 8, 3), np.uint8)
    images[:, 3:6, 2:7] = np.random.default_rng(0).integers(1, 256, (30, 3, 5, 3))
    faulty, mask = anomaly.paint_defects(images, 256, size, seed=2)
    assert faulty.dtype == np.uint8
    assert mask.shape == (30, 9, 8) and (mask.sum((1, 2)) == size**2).all()
    np.testing.assert_array_equal(faulty[~mask], images[~mask])
    change = np.abs(faulty.astype(int) - images)[mask]
    assert change.min() >= 64
    for image, where in zip(images, mask):
        rows, columns = np.nonzero(where)
        middle = (rows.min() + rows.max()) // 2, (columns.min() + columns.max()) // 2
        assert image[middle].any()
    assert len({where.tobytes() for where in mask}) > 5


def test_faults_depend_on_the_seed_and_the_place_alone():
    images = np.random.default_rng(0).integers(1, 17, (6, 8, 8, 1))
    faulty, mask = anomaly.paint_defects(images, 17, seed=1)
    again, mask_again = anomaly.paint_defects(images[:2], 17, seed=1)
    np.testing.assert_array_equal(again, faulty[:2])
    np.testing.assert_array_equal(mask_again, mask[:2])


@pytest.mark.parametrize("size", [0, 2, 9, 3.0])
def test_a_fault_has_a_middle_and_fits(size):
    with pytest.raises(ValueError, match=r"odd integer no larger.*\(8, 8, 1\)"):
        anomaly.paint_defects(np.ones((1, 8, 8, 1), int), 4, size)


def test_an_image_of_nothing_can_have_no_fault():
    images = np.ones((2, 8, 8, 1), int)
    images[1] = 0
    with pytest.raises(ValueError, match=r"must show something\. Received: image 1"):
        anomaly.paint_defects(images, 4)
