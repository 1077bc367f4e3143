"""Tests of the scores of strange images."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import keras_pixelcnn as kp
from keras_pixelcnn import anomaly, lossless_files


def images(count, seed=0, levels=17):
    generator = np.random.default_rng(seed)
    return generator.integers(0, levels, (count, 4, 4, 1)).astype(np.uint8)


def test_the_scores_are_the_formulas():
    nats, background = np.array([-3.0, -5.0, -4.0]), np.array([-2.0, -9.0, -4.5])
    np.testing.assert_array_equal(anomaly.likelihood(nats), [3, 5, 4])
    np.testing.assert_array_equal(
        anomaly.likelihood_ratio(nats, background), [1, -4, -0.5]
    )
    np.testing.assert_array_equal(
        anomaly.typicality(nats, np.array([-3.5, -4.5])), [1, 1, 0]
    )
    np.testing.assert_allclose(anomaly.typicality(nats, background, 3), [7 / 6])


def test_the_complexity_is_that_of_the_smallest_file():
    pictures = images(3, levels=256)
    pictures[0] = 0
    nats = np.array([-3.0, -5.0, -4.0])
    sizes = [
        min(
            len(file)
            for codec in (lossless_files.PNG, lossless_files.WEBP)
            for file in codec.files(picture, 256)
        )
        for picture in pictures
    ]
    assert sizes[0] < min(sizes[1:])
    found = anomaly.input_complexity(nats, pictures, 256)
    np.testing.assert_allclose(found, -nats - np.array(sizes) * 8 * np.log(2))


def test_a_simple_image_is_likelier_and_still_found():
    """What the raw likelihood gets wrong, and the codec mends.

    The model knows noise; what is strange to it is all black.
    """
    generator = np.random.default_rng(0)
    usual = generator.integers(0, 16, (20, 8, 8, 1))
    strange = np.zeros((20, 8, 8, 1), np.uint8)
    strange[:, :4] = 200
    bits = np.concatenate([np.full(20, 64 * 4.0), np.full(20, 64 * 3.0)])
    nats = -bits * np.log(2)
    every = np.concatenate([usual, strange])
    raw = anomaly.likelihood(nats)
    assert anomaly.auroc(raw[:20], raw[20:]).value == 0.0
    complexity = anomaly.input_complexity(nats, every, 256)
    assert anomaly.auroc(complexity[:20], complexity[20:]).value == 1.0


def test_a_model_gives_what_the_scores_take():
    model = kp.GatedPixelCNN((4, 4, 1), 17, filters=4, num_blocks=1)
    nats = model.log_prob(images(3))
    assert anomaly.likelihood(nats).dtype == np.float64
    np.testing.assert_array_equal(anomaly.likelihood_ratio(nats, nats), 0)
    assert anomaly.input_complexity(nats, images(3), 17).shape == (3,)


# Typicality.


def test_the_threshold_has_the_false_alarms_that_are_asked_for():
    generator = np.random.default_rng(0)
    reference, usual = generator.normal(-100, 5, 4000), generator.normal(-100, 5, 8000)
    for size, rate in ((1, 0.1), (4, 0.05)):
        threshold = anomaly.typicality_threshold(reference, size, rate)
        alarms = np.mean(anomaly.typicality(usual, reference, size) > threshold)
        assert alarms == pytest.approx(rate, rel=0.2)
    again = anomaly.typicality_threshold(reference, 4, 0.05)
    assert again == threshold
    assert anomaly.typicality_threshold(reference, 4, 0.05, seed=1) != threshold


def test_p_values_are_shares_of_usual_images_as_strange():
    usual = [4.0, 1.0, 3.0, 3.0]
    found = anomaly.p_values([0.0, 3.0, 3.5, 9.0], usual)
    np.testing.assert_allclose(found, [5 / 5, 4 / 5, 2 / 5, 1 / 5])
    generator = np.random.default_rng(0)  # of usual images as many as said are called
    found = anomaly.p_values(generator.normal(size=5000), generator.normal(size=5000))
    assert abs(np.mean(found <= 0.05) - 0.05) < 0.01


@pytest.mark.parametrize("size", [0, 2, True, 1.0])
def test_a_group_is_whole(size):
    with pytest.raises(ValueError, match=f"divides .* images, 3. Received: {size}"):
        anomaly.typicality(np.zeros(3), np.zeros(3), size)


# AUROC.


@pytest.mark.parametrize("decimals", [0, 6])
def test_auroc_is_the_usual_one(decimals):
    """With and without ties, and infinite scores."""
    generator = np.random.default_rng(0)
    usual = generator.normal(size=50).round(decimals)
    strange = generator.normal(0.7, size=30).round(decimals)
    labels = np.repeat([0, 1], [50, 30])
    expected = roc_auc_score(labels, np.concatenate([usual, strange]))
    found = anomaly.auroc(usual, strange)
    assert found.value == pytest.approx(expected, rel=1e-12)
    strange[0] = np.inf
    assert anomaly.auroc(usual, strange).value >= found.value


def test_its_error_is_how_much_it_varies():
    generator = np.random.default_rng(0)
    found = [
        anomaly.auroc(generator.normal(size=60), generator.normal(1, size=90))
        for _ in range(300)
    ]
    spread = np.std([each.value for each in found], ddof=1)
    errors = np.mean([each.standard_error for each in found])
    assert errors == pytest.approx(spread, rel=0.15)


# What is refused.


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: anomaly.likelihood(np.zeros((2, 3))), r"log_prob .*shape \(2, 3\)"),
        (lambda: anomaly.likelihood([np.nan]), r"shape \(1,\), with NaN"),
        (lambda: anomaly.likelihood([]), r"log_prob must"),
        (lambda: anomaly.likelihood_ratio([1.0], [1.0, 2.0]), "Received: 1 and 2"),
        (
            lambda: anomaly.input_complexity([1.0], images(2), 17),
            "images must be of as many images",
        ),
        (
            lambda: anomaly.input_complexity([1.0], np.zeros((1, 2, 2, 2), int), 17),
            "of 1 or 3 channels .*Received: 2 channels and 17 levels",
        ),
        (lambda: anomaly.typicality_threshold([1.0], 0), "group_size must"),
        (lambda: anomaly.p_values([1.0], []), r"usual must be numbers.*shape \(0,\)"),
        (lambda: anomaly.p_values([np.nan], [1.0]), "scores must be .*without NaN"),
        (lambda: anomaly.p_values(["a"], [1.0]), "scores must be numbers"),
        (lambda: anomaly.likelihood(["a"]), "log_prob must .* <U1 of shape"),
        (lambda: anomaly.likelihood([None]), "log_prob must .* object of shape"),
        (lambda: anomaly.auroc([1.0, 2.0], ["a", "b"]), "strange must .* <U1"),
        (lambda: anomaly.typicality_threshold([1.0], 1, 1.0), "false_alarms must"),
        (lambda: anomaly.auroc([1.0], [1.0, 2.0]), "usual must .* at least 2"),
        (lambda: anomaly.auroc([1.0, 2.0], [np.nan, 2.0]), "strange .*with NaN"),
    ],
)
def test_what_makes_no_score_is_told(call, words):
    with pytest.raises(ValueError, match=words):
        call()
