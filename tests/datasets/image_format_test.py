"""Tests of the conversion of size, colour and levels that all sources share."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_pixelcnn.datasets.image_format import ImageFormat


def _noise(*shape, levels=256, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, levels, shape).astype(dtype)


def _convert(image, native_levels=256, **wanted):
    return ImageFormat(**wanted).convert(tf.constant(image), native_levels)


def test_nothing_wanted_changes_nothing():
    image = _noise(5, 4, 3)
    converted = _convert(image)
    np.testing.assert_array_equal(converted, image)
    assert converted.dtype == tf.uint8


def test_every_value_of_8_bits_is_requantised_exactly():
    values = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    for num_levels in range(2, 257):
        converted = _convert(values, num_levels=num_levels)
        expected = [value * num_levels // 256 for value in range(256)]
        assert converted.numpy().ravel().tolist() == expected, num_levels
        assert converted.dtype == tf.uint8


@pytest.mark.parametrize("num_levels", [2, 3, 255, 256, 257, 1000, 65535, 65536])
def test_every_value_of_16_bits_is_requantised_exactly(num_levels):
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    converted = _convert(values, 65536, num_levels=num_levels)
    expected = [value * num_levels // 65536 for value in range(65536)]
    assert converted.numpy().ravel().tolist() == expected
    assert converted.dtype == (tf.uint8 if num_levels <= 256 else tf.int32)


def test_levels_beside_a_power_of_two_are_requantised_exactly():
    values = np.arange(17, dtype=np.uint8).reshape(17, 1, 1)
    converted = _convert(values, 17, num_levels=5)
    assert converted.numpy().ravel().tolist() == [v * 5 // 17 for v in range(17)]


def test_more_levels_than_the_source_has_are_refused():
    with pytest.raises(ValueError, match=r"at most 17, .* received 18"):
        ImageFormat(num_levels=18).check_levels(17)
    ImageFormat(num_levels=17).check_levels(17)
    ImageFormat().check_levels(17)


def test_rgb_from_grey_repeats():
    image = _noise(4, 5, 1)
    converted = _convert(image, color_mode="rgb")
    np.testing.assert_array_equal(converted, np.repeat(image, 3, axis=-1))


def test_grey_from_rgb_is_the_luma_that_pillow_computes():
    image = _noise(64, 64, 3)
    converted = _convert(image, color_mode="grayscale")
    np.testing.assert_array_equal(
        converted[..., 0], Image.fromarray(image).convert("L")
    )
    assert converted.shape == (64, 64, 1)


@pytest.mark.parametrize("levels", [17, 256, 65536])
def test_equal_colours_give_just_that_grey(levels):
    values = np.arange(levels, dtype=np.uint16).reshape(-1, 1, 1)
    converted = _convert(np.repeat(values, 3, -1), levels, color_mode="grayscale")
    np.testing.assert_array_equal(converted, values)


@pytest.mark.parametrize("mode", ["rgb", "grayscale"])
def test_four_channels_have_no_colour_mode(mode):
    with pytest.raises(ValueError, match=r"1 or 3 channels .* received 4 channels"):
        _convert(_noise(4, 4, 4), color_mode=mode)


@pytest.mark.parametrize(
    "shape",
    [(8, 8, 1), (5, 7, 3), (7, 5, 3), (1, 900, 1), (900, 1, 1), (40, 33, 3), (1, 1, 1)],
)
@pytest.mark.parametrize("size", [(8, 8), (3, 3), (4, 9), (1, 1)])
def test_every_size_becomes_the_size_wanted(shape, size):
    converted = _convert(_noise(*shape), image_size=size)
    assert converted.shape == (*size, shape[2])
    assert converted.dtype == tf.uint8


def test_the_size_is_static_in_a_graph_that_does_not_know_the_size_stored():
    wanted = ImageFormat(image_size=(4, 6))

    @tf.function(input_signature=[tf.TensorSpec((None, None, 3), tf.uint8)])
    def convert(image):
        converted = wanted.convert(image, 256)
        assert converted.shape == (4, 6, 3)
        return converted

    image = _noise(19, 31, 3)
    np.testing.assert_array_equal(convert(image), wanted.convert(image, 256))


def test_the_same_size_changes_no_pixel():
    wanted = ImageFormat(image_size=(9, 7))

    @tf.function(input_signature=[tf.TensorSpec((None, None, 1), tf.uint8)])
    def convert(image):
        return wanted.convert(image, 256)

    image = _noise(9, 7, 1)
    np.testing.assert_array_equal(wanted.convert(image, 256), image)
    np.testing.assert_array_equal(convert(image), image)


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        ((96, 128), (16, 0, 112, 96)),
        ((128, 96), (0, 16, 96, 112)),
        ((64, 64), (0, 0, 64, 64)),
        ((10, 12), (1, 0, 11, 10)),
    ],
)
def test_resizing_is_pillows_of_the_centre_to_a_level(shape, box):
    pattern = Image.fromarray(_noise(6, 8, 3))
    image = pattern.resize(shape[::-1], Image.Resampling.BICUBIC)
    converted = _convert(np.asarray(image), image_size=(16, 16)).numpy()
    expected = image.crop(box).resize((16, 16), Image.Resampling.BILINEAR)
    assert np.abs(converted.astype(int) - np.asarray(expected)).max() <= 1


@pytest.mark.parametrize("levels", [17, 256, 65536])
def test_resizing_stays_within_the_levels(levels):
    image = _noise(31, 17, 1, levels=levels, dtype=np.uint16)
    converted = _convert(image, levels, image_size=(50, 9))
    assert converted.numpy().min() >= 0
    assert converted.numpy().max() < levels
    extremes = np.full((7, 5, 1), levels - 1, np.uint16)
    assert set(_convert(extremes, levels, image_size=(3, 8)).numpy().ravel()) == {
        levels - 1
    }


def test_colour_comes_before_size_and_size_before_levels():
    image = _noise(12, 12, 3)
    grey = _convert(image, color_mode="grayscale")
    small = _convert(grey, image_size=(5, 5))
    expected = _convert(small, num_levels=4)
    at_once = _convert(image, color_mode="grayscale", image_size=(5, 5), num_levels=4)
    np.testing.assert_array_equal(at_once, expected)


@pytest.mark.parametrize("size", [(8,), (8, 8, 3), (0, 8), (8.0, 8), "8x8", (True, 8)])
def test_a_wrong_size_is_refused(size):
    with pytest.raises(ValueError, match=r"`image_size` must be \(height, width\)"):
        ImageFormat(image_size=size)


def test_a_size_may_be_a_list_of_numpy_integers():
    assert ImageFormat(image_size=[np.int64(3), 4]).image_size == (3, 4)


@pytest.mark.parametrize("mode", ["gray", "RGB", "rgba", 3])
def test_a_wrong_colour_mode_is_refused(mode):
    with pytest.raises(ValueError, match='must be "grayscale", "rgb" or None'):
        ImageFormat(color_mode=mode)


@pytest.mark.parametrize("levels", [1, 0, -2, 2.0, "2", True])
def test_a_wrong_number_of_levels_is_refused(levels):
    with pytest.raises(
        ValueError, match="`num_levels` must be an integer of at least 2"
    ):
        ImageFormat(num_levels=levels)
