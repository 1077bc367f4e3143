"""Tests of features, and of all measures together."""

import numpy as np
import pytest

import keras_pixelcnn as kp
from keras_pixelcnn import evaluation


def images(count, seed=0, levels=17):
    generator = np.random.default_rng(seed)
    return generator.integers(0, levels, (count, 4, 4, 1)).astype(np.uint8)


def halves(batch):
    """The mean of an image's upper and of its lower half."""
    return np.stack([batch[:, :2].mean((1, 2, 3)), batch[:, 2:].mean((1, 2, 3))], 1)


def test_the_function_sees_all_images_in_batches():
    sizes = []

    def features(batch):
        sizes.append(len(batch))
        return halves(batch)

    found = evaluation.extract(images(10), features, batch_size=4)
    np.testing.assert_array_equal(found, halves(images(10)))
    assert sizes == [4, 4, 2]
    assert found.dtype == np.float64


def test_the_pixels_are_the_features_where_none_are_given():
    found = evaluation.extract(images(3))
    np.testing.assert_array_equal(found, images(3).reshape(3, 16))


@pytest.mark.parametrize(
    ("features", "words"),
    [
        (lambda batch: batch, r"gives the shape \(4, 4, 4, 1\) for 4 images"),
        (lambda batch: halves(batch)[:1], r"\(1, 2\) for 4"),
        (lambda batch: halves(batch) * np.nan, "features must be finite"),
    ],
)
def test_a_function_that_gives_no_features_is_told(features, words):
    with pytest.raises(ValueError, match=words):
        evaluation.extract(images(6), features, batch_size=4)


def test_all_measures_are_those_of_the_features():
    real, generated, train = images(40), images(30, 1), images(50, 2)
    quality = kp.evaluation.sample_quality(
        generated, real, 17, halves, train=train, num_resamples=5, seed=3
    )
    rows, others = halves(real), halves(generated)
    assert quality.frechet == evaluation.frechet_distance(rows, others, 5, 3)
    assert quality.kernel == evaluation.kernel_distance(rows, others, 5, 3)
    assert quality[2:4] == evaluation.precision_recall(rows, others, 3, 5, 3)
    assert quality.memorisation == evaluation.memorisation(others, halves(train), rows)
    assert quality[5:] == (30, 40)
    assert str(quality).splitlines()[-2:] == [
        f"nearer than unseen  {quality.memorisation.share:.4f} "
        f"(z = {quality.memorisation.z_score:.1f})",
        "samples, images     30, 40",
    ]


def test_without_training_images_nothing_is_told_of_memorisation():
    quality = evaluation.sample_quality(images(9), images(9, 1), 17, num_resamples=2)
    assert quality.memorisation is None
    assert "unseen" not in str(quality)


def test_images_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"`generated` must have shape \(batch, 4, 4"):
        evaluation.sample_quality(images(9)[:, :3], images(9), 17)
    with pytest.raises(ValueError, match=r"`train` must hold integers in \[0, 17\)"):
        evaluation.sample_quality(images(9), images(9), 17, train=images(9) + 17)
