"""Tests of degraded images and of the baselines that restore them."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from keras_pixelcnn.datasets import degradation

TASKS = list(degradation.DEGRADATIONS)


def images(count=3, shape=(8, 12, 3), levels=17, seed=0):
    return np.random.default_rng(seed).integers(0, levels, (count, *shape))


@pytest.mark.parametrize("name", TASKS)
def test_maps_are_of_the_shape_and_the_seed(name):
    task = degradation.get(name)
    maps = task.maps(images(), 17, seed=1)
    assert maps.dtype == np.float32
    assert maps.shape == (3, *task.spatial_shape((8, 12, 3)))
    np.testing.assert_array_equal(task.maps(images(), 17, seed=1), maps)
    is_random = name in ("denoising", "inpainting")
    assert (task.maps(images(), 17, seed=2) != maps).any() == is_random
    generator = np.random.Generator(np.random.Philox(1))
    np.testing.assert_array_equal(task.maps(images(), 17, generator), maps)


@pytest.mark.parametrize("name", TASKS)
def test_a_flat_image_is_restored_by_the_baseline(name):
    task = degradation.get(name)
    flat = np.full((2, 8, 12, 3), 12)
    restored = task.restore(task.maps(flat, 17), (8, 12, 3), 17)
    assert restored.shape == flat.shape
    assert np.abs(restored - 12).mean() < (2 if name == "denoising" else 1e-5)


@pytest.mark.parametrize("factor", [2, 4])
def test_small_images_are_means_of_blocks(factor):
    task = degradation.get(f"super_resolution_{factor}")
    maps = task.maps(images(), 17)
    block = images()[1, factor : 2 * factor, :factor, 2]
    assert maps[1, 1, 0, 2] == pytest.approx(block.mean() / 8 - 1, abs=1e-6)
    restored = task.restore(maps, (8, 12, 3), 17)
    expected = tf.image.resize((maps + 1) * 8, (8, 12), "bicubic").numpy()
    np.testing.assert_allclose(restored, np.clip(expected, 0, 16), atol=1e-4)


def test_grey_is_the_luma_of_television():
    white, red = np.full((1, 2, 2, 3), 16), np.full((1, 2, 2, 3), 16)
    red[..., 1:] = 0
    task = degradation.get("colorization")
    np.testing.assert_allclose(task.maps(white, 17), 1, atol=1e-6)
    np.testing.assert_allclose(task.maps(red, 17), 2 * 0.299 - 1, atol=1e-6)


def test_noise_is_as_strong_as_said():
    task = degradation.get("denoising")
    originals = np.full((50, 8, 8, 1), 8)
    noise = task.maps(originals, 17)
    assert noise.std() == pytest.approx(0.4, rel=0.05)
    assert noise.mean() == pytest.approx(0, abs=0.03)
    expected = ndimage.median_filter(noise[3, ..., 0], (3, 3))
    restored = task.restore(noise, (8, 8, 1), 17)
    np.testing.assert_allclose(
        restored[3, ..., 0], np.clip(expected, -1, 1) * 8 + 8, atol=1e-5
    )


def test_examples_get_maps_that_stay_the_same():
    task, originals = degradation.get("inpainting"), images(4)
    examples = tf.data.Dataset.from_tensor_slices({"image": originals})
    examples = task.add_maps(examples, 17, seed=3)
    assert examples.element_spec["spatial"].shape == (8, 12, 4)
    for _ in range(2):
        found = [each["spatial"] for each in examples.as_numpy_iterator()]
        for index, (image, each) in enumerate(zip(originals, found, strict=True)):
            expected = task.maps(image[np.newaxis], 17, 3 + index)[0]
            np.testing.assert_array_equal(each, expected)


# Inpainting.


def test_holes_are_where_the_mask_says_and_not_all_alike():
    originals = images(40, (8, 12, 2))
    maps = degradation.get("inpainting").maps(originals, 17)
    values, known = maps[..., :2], maps[..., 2] == 1
    assert set(np.unique(maps[..., 2])) == {0, 1}
    np.testing.assert_allclose(values[known], originals[known] / 8 - 1, atol=1e-6)
    assert (values[~known] == 0).all()
    for hole in ~known:
        rows, columns = np.nonzero(hole)
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert hole.sum() == height * width
        assert 2 <= height <= 4 and 3 <= width <= 6
    assert len({hole.tobytes() for hole in known}) > 10


def test_what_is_in_a_hole_leaves_no_trace():
    originals, others = images(20), images(20, seed=1)
    task = degradation.get("inpainting")
    maps = task.maps(originals, 17, seed=3)
    hidden = maps[..., -1:] == 0
    changed = np.where(hidden, others, originals)
    assert (changed != originals).any()
    np.testing.assert_array_equal(task.maps(changed, 17, seed=3), maps)


def test_the_nearest_known_pixel_fills_a_hole():
    originals = np.arange(64).reshape(1, 8, 8, 1)
    mask = np.ones((1, 8, 8), bool)
    mask[0, 2:4, 3:8] = False
    scaled = originals * (2 / 63) - 1
    maps = degradation.known_pixels_map(scaled, mask)
    restored = degradation.get("inpainting").restore(maps, (8, 8, 1), 64)[0, ..., 0]
    np.testing.assert_allclose(restored[mask[0]], originals[0, ..., 0][mask[0]])
    assert restored[2, 6] == pytest.approx(8 * 1 + 6)
    assert restored[3, 6] == pytest.approx(8 * 4 + 6)


# The measure, and what is refused.


def test_psnr_is_of_the_mean_squared_error():
    originals = images(2, levels=256)
    restored = originals + 5.0
    restored[1] = originals[1]
    found = degradation.psnr(originals, restored, 256)
    assert found[0] == pytest.approx(10 * np.log10(255**2 / 25))
    assert found[1] == np.inf


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("super_resolution_4", (8, 10, 1), r"multiples of 4. Received: 8x10"),
        ("colorization", (8, 8, 1), "3 channels. Received: 1"),
    ],
)
def test_images_that_a_task_cannot_take_are_told(name, shape, words):
    with pytest.raises(ValueError, match=words):
        degradation.get(name).maps(images(1, shape), 17)


def test_an_unknown_task_is_told():
    with pytest.raises(ValueError, match=r"one of super_resolution_2, .*'sharpen'"):
        degradation.get("sharpen")
