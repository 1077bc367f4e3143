"""Tests of the rule for what a batch of images is."""

import tracemalloc

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.checks import check_images, check_num_levels

SMALL = np.arange(12).reshape(1, 2, 3, 2)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64", "uint16"])
def test_integers_pass_without_a_copy(dtype):
    images = SMALL.astype(dtype)
    assert check_images(images, 12) is images


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_whole_floats_become_integers(dtype):
    checked = check_images(SMALL.astype(dtype), 12)
    assert checked.dtype == np.int32
    np.testing.assert_array_equal(checked, SMALL)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32"])
def test_tensors_pass(dtype):
    checked = check_images(tf.constant(SMALL, dtype), 12)
    assert isinstance(checked, np.ndarray)
    np.testing.assert_array_equal(checked, SMALL)


def test_lists_and_booleans_pass():
    np.testing.assert_array_equal(check_images(SMALL.tolist(), 12), SMALL)
    checked = check_images(SMALL[..., ::2] > 5, 2)
    assert checked.dtype == np.uint8
    np.testing.assert_array_equal(checked, SMALL[..., ::2] > 5)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_an_empty_batch_passes(dtype):
    assert check_images(np.zeros((0, 2, 3, 1), dtype), 2).shape == (0, 2, 3, 1)


def test_many_images_need_no_memory():
    images = np.zeros((10_000, 28, 28, 1), np.uint8)
    tracemalloc.start()
    try:
        check_images(images, 256)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100_000


@pytest.mark.parametrize(
    ("dtype", "value", "shown"),
    [
        ("uint8", 17, "17"),
        ("int64", -1, "-1"),
        ("int64", 2**40, str(2**40)),
        ("uint64", 2**63, str(2**63)),
        ("float32", 17, "17.0"),
        ("float32", -3, "-3.0"),
        ("float32", 2.5, "2.5"),
        ("float64", np.nan, "nan"),
        ("float64", np.inf, "inf"),
        ("float64", -np.inf, "-inf"),
    ],
)
def test_the_first_wrong_value_is_named_with_its_index(dtype, value, shown):
    images = np.full((2, 3, 4, 1), 16, dtype)
    images[1, 0, 3, 0] = images[1, 2, 0, 0] = value
    with pytest.raises(ValueError) as error:
        check_images(images, 17, "test_images")
    message = str(error.value)
    assert "`test_images` must hold integers in [0, 17)" in message
    assert f"Received: {shown} at index (1, 0, 3, 0)." in message
    assert "normalised" not in message


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-1, 1), (0, 0.5)])
def test_normalised_values_are_recognised(low, high):
    images = np.linspace(low, high, 12, dtype=np.float32).reshape(1, 2, 3, 2)
    with pytest.raises(ValueError, match=r"look normalised.*the model scales"):
        check_images(images, 256)


def test_binary_floats_are_levels_and_not_normalised():
    images = np.array([0.0, 1.0]).reshape(1, 1, 2, 1)
    np.testing.assert_array_equal(check_images(images, 256), images)


@pytest.mark.parametrize("shape", [(), (8,), (8, 8), (2, 8, 8), (1, 2, 8, 8, 1)])
def test_wrong_ranks_are_named(shape):
    with pytest.raises(ValueError) as error:
        check_images(np.zeros(shape, int), 17)
    message = str(error.value)
    assert "`image` must have shape (batch, height, width, channels)" in message
    assert f"Received shape: {shape}." in message
    assert "`image[None]`" in message and "`image[..., None]`" in message


@pytest.mark.parametrize(
    "shape", [(2, 8, 8, 3), (2, 7, 8, 1), (2, 8, 9, 1), (8, 8, 1), (2, 8, 8, 1, 1)]
)
def test_wrong_shapes_are_named(shape):
    with pytest.raises(ValueError) as error:
        check_images(np.zeros(shape, int), 17, image_shape=(8, 8, 1))
    message = str(error.value)
    assert "`image` must have shape (batch, 8, 8, 1)" in message
    assert f"Received shape: {shape}." in message


@pytest.mark.parametrize("shape", [(2, 8, 8, 1), (0, 8, 8, 1)])
@pytest.mark.parametrize("image_shape", [(8, 8, 1), [8, 8, 1], None])
def test_right_shapes_pass(shape, image_shape):
    assert check_images(np.zeros(shape, int), 17, "x", image_shape).shape == shape


def test_images_without_pixels_are_refused():
    with pytest.raises(ValueError, match="at least one row, column and channel"):
        check_images(np.zeros((1, 0, 3, 1), int), 17)


@pytest.mark.parametrize(
    "images", ["a picture", None, [[1], [1, 2]], np.zeros((1, 2, 2, 1), complex)]
)
def test_what_is_no_array_of_numbers_is_refused(images):
    with pytest.raises(
        ValueError, match=r"`image` must be an array of integers in \[0"
    ):
        check_images(images, 17)


@pytest.mark.parametrize("num_levels", [1, 65_537, -3, 2.0, "256", None, True])
def test_wrong_numbers_of_levels_are_named(num_levels):
    with pytest.raises(ValueError) as error:
        check_images(SMALL, num_levels)
    assert "num_levels must be an integer from 2 to 65,536" in str(error.value)
    assert f"Received: num_levels={num_levels!r}" in str(error.value)


def test_numpy_integers_are_numbers_of_levels():
    assert type(check_num_levels(np.int64(17))) is int
