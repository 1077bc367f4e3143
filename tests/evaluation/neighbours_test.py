"""Tests of precision, recall and nearest images against plain loops."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from keras_pixelcnn import evaluation


def normal(count, dims, seed=0, shift=0.0):
    return np.random.default_rng(seed).normal(shift, 1.0, (count, dims))


def share_within(rows, others, neighbours):
    """The definition, word for word."""
    within = 0
    for row in rows:
        for i, other in enumerate(others):
            distances = sorted(
                np.linalg.norm(other - third)
                for j, third in enumerate(others)
                if j != i
            )
            if np.linalg.norm(row - other) <= distances[neighbours - 1]:
                within += 1
                break
    return within / len(rows)


@pytest.mark.parametrize("neighbours", [1, 3])
def test_precision_and_recall_are_as_defined(neighbours):
    real, generated = normal(25, 2), normal(30, 2, seed=1, shift=1.0)
    found = evaluation.precision_recall(real, generated, neighbours)
    assert found.precision.value == share_within(generated, real, neighbours)
    assert found.recall.value == share_within(real, generated, neighbours)
    assert 0 < found.precision.value < 1 and 0 < found.recall.value < 1


def test_one_kind_of_image_is_precise_and_lacks_recall():
    real = np.concatenate([normal(50, 2), normal(50, 2, seed=1, shift=100.0)])
    found = evaluation.precision_recall(real, normal(50, 2, seed=2) / 4)
    assert found.precision.value == 1.0
    assert found.recall.value <= 0.5


def test_the_error_is_that_of_a_share():
    real, generated = normal(200, 2), normal(300, 2, seed=1, shift=1.0)
    share, error = evaluation.precision_recall(real, generated, 3, 2000).precision
    assert error == pytest.approx(np.sqrt(share * (1 - share) / 300), rel=0.1)


def test_numbers_far_from_zero_keep_their_digits():
    real, generated = normal(25, 2), normal(30, 2, seed=1, shift=1.0)
    assert evaluation.precision_recall(real + 1e6, generated + 1e6) == (
        evaluation.precision_recall(real, generated)
    )


# Nearest images.


def test_the_nearest_images_are_found():
    images, others = normal(7, 5), normal(20, 5, seed=1)
    distances = cdist(images, others)
    found = evaluation.nearest_images(images, others, 3)
    np.testing.assert_array_equal(found.indices, np.argsort(distances)[:, :3])
    np.testing.assert_allclose(found.distances, np.sort(distances)[:, :3])


def test_a_copy_is_nearest_at_no_distance():
    others = np.random.default_rng(0).integers(0, 256, (30, 784)).astype(np.uint8)
    found = evaluation.nearest_images(others[[7, 3]], others)
    assert found.indices.tolist() == [[7], [3]]
    assert found.distances.tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize("count", [0, 21, 1.0, True])
def test_more_than_there_are_cannot_be_found(count):
    with pytest.raises(ValueError, match=f"from 1 to 20.*Received: {count}"):
        evaluation.nearest_images(normal(7, 5), normal(20, 5), count)


# Memorisation.


def test_copies_are_told_from_new_images():
    train, unseen = normal(300, 4), normal(200, 4, seed=1)
    copies = train[:100] + 1e-3
    copied = evaluation.memorisation(copies, train, unseen)
    assert copied.share > 0.99 and copied.z_score > 10
    new = evaluation.memorisation(normal(100, 4, seed=2), train, unseen)
    assert abs(new.z_score) < 3


@pytest.mark.parametrize("decimals", [0, 6])
def test_the_significance_is_mann_and_whitneys(decimals):
    """With and without ties."""
    train, unseen = normal(30, 2).round(decimals), normal(20, 2, 1).round(decimals)
    samples = normal(25, 2, 2, 0.5).round(decimals)
    result = stats.mannwhitneyu(
        cdist(unseen, train).min(1),
        cdist(samples, train).min(1),
        alternative="greater",
        use_continuity=False,
        method="asymptotic",
    )
    found = evaluation.memorisation(samples, train, unseen)
    assert found.share == pytest.approx(result.statistic / (20 * 25))
    assert stats.norm.sf(found.z_score) == pytest.approx(result.pvalue)


def test_where_all_are_alike_nothing_is_told():
    same = np.zeros((5, 3))
    assert evaluation.memorisation(same, same, same) == (0.5, 0.0)
