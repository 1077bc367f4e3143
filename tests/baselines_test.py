"""Tests of what a trained model's bits per dimension is compared with."""

import sys

import numpy as np
import pytest

from keras_pixelcnn import baselines
from keras_pixelcnn.dequantised_gaussian import DequantisedGaussian


def _noise(batch, shape, num_levels, seed=0):
    return np.random.default_rng(seed).integers(0, num_levels, (batch, *shape))


def _gaussian_images(batch, seed=0):
    """Returns 2x2 images of a wide Gaussian, and its entropy in bits per dimension."""
    mixing = np.array([[80, 0, 0, 0], [60, 40, 0, 0], [30, 30, 50, 0], [9, 0, 40, 60]])
    values = np.random.default_rng(seed).normal(size=(batch, 4)) @ mixing.T + 512
    images = np.clip(np.rint(values), 0, 1023).astype(int).reshape(batch, 2, 2, 1)
    determinant = np.linalg.det(mixing @ mixing.T)
    return images, 0.5 * np.log2((2 * np.pi * np.e) ** 4 * determinant) / 4


@pytest.fixture
def without_plugin(monkeypatch):
    """Pillow without JPEG XL, whatever is installed."""
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)


def test_uniform_is_the_logarithm():
    assert baselines.uniform_bits_per_dim(256) == 8.0
    assert baselines.uniform_bits_per_dim(17) == pytest.approx(4.0874628)


def test_histograms_by_hand():
    train = np.array([[0, 2], [0, 1], [1, 1]]).reshape(3, 1, 2, 1)
    test = np.array([[0, 0], [2, 1]]).reshape(2, 1, 2, 1)
    # Of 3 images and 3 levels: (2+1)/6, (0+1)/6 on the left; 1/6, 3/6 on the right.
    wanted = -np.log2([3 / 6, 1 / 6, 1 / 6, 3 / 6]).mean()
    scored = baselines.independent_pixel_bits_per_dim(train, test, 3)
    assert scored == pytest.approx(wanted)


@pytest.mark.parametrize("shape", [(2, 3, 1), (1, 2, 3)])
def test_histograms_come_near_the_entropy_of_independent_pixels(shape):
    generator = np.random.default_rng(0)
    # Another distribution for each dimension, so that none can stand in for another.
    chances = generator.dirichlet(np.ones(5), size=np.prod(shape))
    images = np.stack([generator.choice(5, 40_000, p=p) for p in chances], axis=1)
    images = images.reshape(-1, *shape)
    entropy = -np.sum(chances * np.log2(chances)) / len(chances)
    scored = baselines.independent_pixel_bits_per_dim(
        images[:20_000], images[20_000:], 5
    )
    assert scored == pytest.approx(entropy, abs=0.01)


@pytest.mark.parametrize("block", [1, 50, 700])
def test_histograms_do_not_depend_on_the_blocks(monkeypatch, block):
    train, test = _noise(50, (3, 5, 2), 7), _noise(20, (3, 5, 2), 7, seed=1)
    whole = baselines.independent_pixel_bits_per_dim(train, test, 7)
    monkeypatch.setattr(baselines, "_BLOCK_VALUES", block)
    scored = baselines.independent_pixel_bits_per_dim(train, test, 7)
    assert scored == pytest.approx(whole)


def test_a_gaussian_scores_its_differential_entropy():
    train, entropy = _gaussian_images(20_000)
    test, _ = _gaussian_images(20_000, seed=1)
    scored = baselines.gaussian_bits_per_dim(train, test, 1024)
    assert scored == pytest.approx(entropy, abs=0.01)
    independent = baselines.independent_pixel_bits_per_dim(train, test, 1024)
    assert scored < independent - 0.2


def test_the_gaussian_depends_on_the_seed_and_little():
    train, _ = _gaussian_images(300)
    test, _ = _gaussian_images(300, seed=1)
    scores = [
        baselines.gaussian_bits_per_dim(train, test, 1024, seed) for seed in (0, 0, 1)
    ]
    assert scores[0] == scores[1] != scores[2]
    assert scores[0] == pytest.approx(scores[2], abs=0.01)


def test_constant_pixels_cost_the_gaussian_little():
    train, test = np.full((50, 3, 3, 1), 7), np.full((5_000, 3, 3, 1), 7)
    # The Gaussian of the noise alone has log2(2 pi e / 12) / 2 = 0.2546 bits.
    scored = baselines.gaussian_bits_per_dim(train, test, 17)
    assert scored == pytest.approx(0.2546, abs=0.01)


@pytest.mark.parametrize("count", [1, 2, 9, 12, 30])
def test_fewer_images_than_dimensions_suffice_the_gaussian(count):
    images = _noise(count + 50, (6, 6, 1), 16)
    scored = baselines.gaussian_bits_per_dim(images[:count], images[count:], 16)
    assert np.isfinite(scored)
    if count >= 12:
        unshrunk = DequantisedGaussian.fit(images[:count].reshape(count, -1))
        worse = unshrunk.bits_per_dim(
            images[count:].reshape(50, -1), np.random.default_rng(0), np.zeros(1)
        )
        assert scored < 6 < worse[0]


@pytest.mark.parametrize(
    "score",
    [baselines.independent_pixel_bits_per_dim, baselines.gaussian_bits_per_dim],
)
def test_training_images_score_better_than_others(score):
    images, _ = _gaussian_images(80)
    train, test = images[:40] // 64, images[40:] // 64
    assert score(train, train, 16) < score(train, test, 16)


@pytest.mark.parametrize("num_levels", [2, 4, 16, 256])
def test_png_of_noise_costs_its_entropy_and_of_constants_little(num_levels):
    noise = _noise(3, (64, 64, 1), num_levels)
    entropy = np.log2(num_levels)
    assert entropy < baselines.png_bits_per_dim(noise, num_levels) < entropy + 0.5
    assert baselines.png_bits_per_dim(np.ones_like(noise), num_levels) < 0.4


def test_png_headers_count():
    image = np.zeros((1, 8, 8, 1), int)
    assert 57 * 8 / 64 < baselines.png_bits_per_dim(image, 256) < 80 * 8 / 64


@pytest.mark.parametrize(("channels", "num_levels"), [(2, 256), (4, 2), (1, 257)])
def test_png_refuses_what_it_does_not_know(channels, num_levels):
    images = np.zeros((1, 8, 8, channels), int)
    message = f"Received: {channels} channels and {num_levels} levels"
    with pytest.raises(ValueError, match=message):
        baselines.png_bits_per_dim(images, num_levels)
    with pytest.raises(ValueError, match=message):
        baselines.webp_bits_per_dim(images, num_levels)
    table = baselines.baseline_table(images, images, num_levels)
    assert list(table) == ["uniform", "independent pixels", "multivariate Gaussian"]
    reasons = baselines.left_out((8, 8, channels), num_levels)
    assert list(reasons) == ["PNG", "WebP lossless", "JPEG XL"]
    assert set(reasons.values()) == {"needs 1 or 3 channels and at most 256 levels"}


@pytest.mark.parametrize("num_levels", [2, 16, 256])
@pytest.mark.parametrize("channels", [1, 3])
def test_webp_of_noise_costs_its_entropy_and_of_constants_little(num_levels, channels):
    noise, entropy = _noise(2, (32, 32, channels), num_levels), np.log2(num_levels)
    bits = baselines.webp_bits_per_dim(noise, num_levels)
    assert entropy < bits < 1.05 * entropy + 1
    assert baselines.webp_bits_per_dim(np.ones_like(noise), num_levels) < 0.5


def test_webp_headers_count():
    image = np.zeros((1, 8, 8, 1), int)
    assert 20 * 8 / 64 < baselines.webp_bits_per_dim(image, 256) < 40 * 8 / 64


def test_what_pillow_lacks_is_told_and_left_out(without_plugin):
    images = np.zeros((2, 8, 8, 1), np.uint8)
    with pytest.raises(ImportError, match=r"JPEG XL needs .*pip install pillow-jxl"):
        baselines.jpeg_xl_bits_per_dim(images, 2)
    assert "JPEG XL" not in baselines.baseline_table(images, images, 2)
    assert list(baselines.left_out((8, 8, 1), 2)) == ["JPEG XL"]
    with pytest.raises(ValueError, match="at most 256 levels"):
        baselines.jpeg_xl_bits_per_dim(images, 1000)


def test_the_table_holds_every_baseline_in_order(without_plugin):
    train, test = _noise(60, (4, 4, 3), 5), _noise(30, (4, 4, 3), 5, seed=1)
    assert list(baselines.baseline_table(train, test, 5, seed=3).items()) == [
        ("uniform", baselines.uniform_bits_per_dim(5)),
        (
            "independent pixels",
            baselines.independent_pixel_bits_per_dim(train, test, 5),
        ),
        ("multivariate Gaussian", baselines.gaussian_bits_per_dim(train, test, 5, 3)),
        ("PNG", baselines.png_bits_per_dim(test, 5)),
        ("WebP lossless", baselines.webp_bits_per_dim(test, 5)),
    ]
    table = baselines.baseline_table(train, test, 5)
    assert all(type(value) is float for value in table.values())


def test_the_table_leaves_out_the_gaussian_of_very_large_images(without_plugin):
    images = np.zeros((2, 64, 65, 1), np.uint8)
    table = baselines.baseline_table(images, images, 256)
    assert list(table) == ["uniform", "independent pixels", "PNG", "WebP lossless"]
    reason = baselines.left_out((64, 65, 1), 256)["multivariate Gaussian"]
    assert reason == "images have more than 4,096 dimensions"


@pytest.mark.parametrize(
    "score",
    [
        baselines.independent_pixel_bits_per_dim,
        baselines.gaussian_bits_per_dim,
        baselines.baseline_table,
    ],
)
@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (np.full((2, 4, 4, 1), 17), np.zeros((2, 4, 4, 1)), "`train_images`.*17 at"),
        (np.zeros((2, 4, 4, 1)), np.full((2, 4, 4, 1), -1), "`test_images`.*-1 at"),
        (np.zeros((2, 4, 4, 1)), np.full((2, 4, 4, 1), 0.5), "`test_images`.*0.5 at"),
        (np.zeros((4, 4)), np.zeros((2, 4, 4, 1)), r"`train_images`.*\(4, 4\)"),
        (np.zeros((2, 4, 4, 1)), np.zeros((2, 4, 5, 1)), r"`test_images`.*4, 4, 1\)"),
        (np.zeros((0, 4, 4, 1)), np.zeros((2, 4, 4, 1)), "`train_images`.*at least"),
        (np.zeros((2, 4, 4, 1)), np.zeros((0, 4, 4, 1)), "`test_images`.*at least"),
    ],
)
def test_wrong_images_are_named(score, train, test, message):
    with pytest.raises(ValueError, match=message):
        score(train, test, 17)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.full((2, 4, 4, 1), 17), "`images`.*17 at"),
        (np.zeros((4, 4)), "`images`.*shape"),
        (np.zeros((0, 4, 4, 1)), "`images`.*at least"),
    ],
)
def test_png_names_wrong_images(images, message):
    with pytest.raises(ValueError, match=message):
        baselines.png_bits_per_dim(images, 17)


def test_a_wrong_number_of_levels_is_named():
    with pytest.raises(ValueError, match=r"num_levels must.*num_levels=1"):
        baselines.uniform_bits_per_dim(1)


def test_digits_have_their_known_scores():
    from sklearn.datasets import load_digits

    images = load_digits().images[..., None]
    images = images[np.random.default_rng(0).permutation(len(images))]
    table = baselines.baseline_table(images[:1437], images[1617:], 17)
    assert table["uniform"] == pytest.approx(4.087, abs=0.001)
    assert table["independent pixels"] == pytest.approx(2.41, abs=0.03)
    assert table["multivariate Gaussian"] == pytest.approx(2.95, abs=0.05)
