"""Tests of the picture that shows many images."""

import numpy as np
import pytest
from PIL import Image

from keras_pixelcnn.image_grid import image_grid, save_image_grid, save_sample_grid

BACKGROUND = 224


def _images(batch, shape, num_levels=256, seed=0):
    return np.random.default_rng(seed).integers(0, num_levels, (batch, *shape))


def _tile(grid, row, column, height, width, margin=1):
    top, left = row * (height + margin), column * (width + margin)
    return grid[top : top + height, left : left + width]


@pytest.mark.parametrize("channels", [1, 3])
def test_each_image_stands_in_its_place(channels):
    images = _images(5, (2, 3, channels))
    grid = image_grid(images, columns=2, min_side=1)
    assert grid.dtype == np.uint8
    assert grid.shape == (3 * 2 + 2, 2 * 3 + 1, channels)
    for i, image in enumerate(images):
        np.testing.assert_array_equal(_tile(grid, i // 2, i % 2, 2, 3), image)


def test_margins_and_the_rest_of_the_last_row_are_background():
    images = np.zeros((3, 2, 3, 1), np.uint8)
    grid = image_grid(images, columns=2, margin=2, min_side=1)
    assert grid.shape == (6, 8, 1)
    assert np.all(grid[2:4] == BACKGROUND)
    assert np.all(grid[:, 3:5] == BACKGROUND)
    assert np.all(_tile(grid, 1, 1, 2, 3, margin=2) == BACKGROUND)
    assert np.sum(grid == 0) == images.size


def test_without_margin_the_images_touch():
    images = _images(4, (2, 2, 1))
    grid = image_grid(images, columns=2, margin=0, min_side=1)
    np.testing.assert_array_equal(grid[:2, :, 0], np.hstack(images[:2, ..., 0]))
    np.testing.assert_array_equal(grid[2:, :, 0], np.hstack(images[2:, ..., 0]))


@pytest.mark.parametrize("num_levels", [2, 3, 17, 256, 65536])
@pytest.mark.parametrize("dtype", [np.int64, np.float32])
def test_levels_are_stretched_to_the_whole_range(num_levels, dtype):
    levels = np.arange(num_levels)[:: max(1, num_levels // 256)]
    levels[-1] = num_levels - 1
    images = levels.astype(dtype).reshape(1, 1, -1, 1)
    grid = image_grid(images, num_levels, min_side=1)
    wanted = [round(level * 255 / (num_levels - 1)) for level in levels.tolist()]
    assert grid[0, :, 0].tolist() == wanted
    assert (wanted[0], wanted[-1]) == (0, 255)


@pytest.mark.parametrize(
    ("shape", "min_side", "scale"),
    [((8, 8), 32, 4), ((9, 9), 32, 4), ((28, 28), 32, 2), ((32, 32), 32, 1),
     ((64, 64), 32, 1), ((1, 40), 32, 1), ((2, 8), 32, 4), ((3, 3), 10, 4)],
)  # fmt: skip
def test_small_images_are_enlarged_without_smoothing(shape, min_side, scale):
    image = _images(1, (*shape, 1))
    grid = image_grid(image, min_side=min_side)
    assert grid.shape == (shape[0] * scale, shape[1] * scale, 1)
    for row in range(scale):
        for column in range(scale):
            np.testing.assert_array_equal(grid[row::scale, column::scale], image[0])


@pytest.mark.parametrize(
    ("batch", "shape", "columns"),
    [(1, (8, 8), 1), (2, (8, 8), 2), (9, (8, 8), 3), (10, (8, 8), 4),
     (16, (8, 32), 2), (16, (32, 8), 8), (3, (32, 1), 3), (3, (1, 32), 1)],
)  # fmt: skip
def test_pictures_are_nearly_square(batch, shape, columns):
    grid = image_grid(_images(batch, (*shape, 1)), margin=0, min_side=1)
    rows = -(-batch // columns)
    assert grid.shape == (rows * shape[0], columns * shape[1], 1)


def test_more_columns_than_images_leave_background():
    grid = image_grid(np.zeros((2, 4, 4, 1), int), columns=3, min_side=1)
    assert grid.shape == (4, 14, 1)
    assert np.all(grid[:, 10:] == BACKGROUND)


@pytest.mark.parametrize("channels", [2, 4])
def test_other_channels_stand_side_by_side_in_grey(channels):
    images = _images(1, (5, 6, channels))
    grid = image_grid(images, min_side=1)
    assert grid.shape == (5, 6 * channels, 1)
    for k in range(channels):
        np.testing.assert_array_equal(grid[:, 6 * k : 6 * k + 6, 0], images[0, ..., k])


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (np.zeros((0, 8, 8, 1), int), {}, "`images` must hold at least one image"),
        (np.full((1, 8, 8, 1), 17), {}, r"`images` must hold integers in \[0, 17\)"),
        (np.zeros((8, 8), int), {}, "`images` must have shape"),
        (np.zeros((1, 8, 8, 1), int), {"columns": 0}, "columns must be.*=0"),
        (np.zeros((1, 8, 8, 1), int), {"columns": 1.5}, "columns must be.*=1.5"),
        (np.zeros((1, 8, 8, 1), int), {"margin": -1}, "margin must be.*=-1"),
        (np.zeros((1, 8, 8, 1), int), {"min_side": 0}, "min_side must be.*=0"),
    ],
)
def test_wrong_arguments_are_named(images, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        image_grid(images, 17, **options)
    with pytest.raises(ValueError, match=message):
        save_image_grid(tmp_path / "grid.png", images, 17, **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "L"), (3, "RGB")])
def test_the_saved_file_is_the_picture(tmp_path, channels, mode):
    images = _images(7, (8, 8, channels), 17)
    options = {"num_levels": 17, "columns": 3, "margin": 2, "min_side": 16}
    path = tmp_path / "runs" / "samples.png"
    save_image_grid(path, images[:1], 17)
    save_image_grid(path, images, **options)
    with Image.open(path) as picture:
        assert (picture.format, picture.mode) == ("PNG", mode)
        pixels = np.asarray(picture).reshape(*picture.size[::-1], -1)
    np.testing.assert_array_equal(pixels, image_grid(images, **options))
    assert [file.name for file in path.parent.iterdir()] == ["samples.png"]


# Samples.


def _saved(tmp_path, *arguments):
    save_sample_grid(tmp_path / "grid.png", *arguments)
    with Image.open(tmp_path / "grid.png") as picture:
        return np.asarray(picture)


def test_samples_of_one_kind_begin_a_row(tmp_path):
    images = _images(20, (4, 3, 1), 5)
    for num_each, columns in ((None, None), (4, 4), (20, 10)):
        expected = image_grid(images, 5, columns)[..., 0]
        np.testing.assert_array_equal(_saved(tmp_path, images, 5, num_each), expected)


@pytest.mark.parametrize(
    ("num_samples", "num_each", "columns"),
    [(4, None, 4), (20, None, 10), (4, 2, 2), (40, 20, 10)],
)
def test_each_row_of_completions_begins_with_what_is_known(
    tmp_path, num_samples, num_each, columns
):
    images = _images(num_samples, (4, 3, 1), 5)
    mask = np.zeros((4, 3), bool)
    mask[:2] = True
    first = np.full((1, 4, 3, 1), 128)
    first[:, :2] = 64
    rows = np.rint(images * (255 / 4)).astype(int).reshape(-1, columns, 4, 3, 1)
    tiles = np.concatenate([tile for row in rows for tile in (first, row)])
    found = _saved(tmp_path, images, 5, num_each, (np.ones((4, 3, 1), int), mask))
    np.testing.assert_array_equal(found, image_grid(tiles, columns=columns + 1)[..., 0])
