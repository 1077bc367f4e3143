"""Tests that patches are cut out of photos so that no splits share a pixel."""

import collections
import itertools
import logging

import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_sample_images

from keras_pixelcnn.datasets import load, native_num_levels
from tests.datasets.image_folder import write_image

PARTS = ("train", "validation", "test")
SIZE = (5, 4)


def _photo(number, rows=23, columns=51):
    """A photo whose pixels tell their row, their column and the photo's number."""
    row, column = np.indices((rows, columns))
    return np.stack([row, column, np.full_like(row, number)], axis=-1)


def _fill(folder, count, **shape):
    for number in range(count):
        write_image(folder / f"{number:02}.png", _photo(number, **shape))
    return folder


def _load(source, split="all", **options):
    options = {"image_size": SIZE, "shuffle": False, **options}
    return load(f"patches:{source}", split, **options)


def _images(dataset):
    return np.stack([example["image"] for example in dataset])


def _pixels(dataset):
    """Counts how often each pixel of each photo occurs."""
    return collections.Counter(map(tuple, _images(dataset).reshape(-1, 3).tolist()))


def _corners(dataset):
    return [tuple(image[0, 0].tolist()) for image in _images(dataset)]


def test_images_labels_types_and_cardinality(tmp_path):
    write_image(tmp_path / "a" / "x.png", _photo(0))
    write_image(tmp_path / "c" / "x.png", _photo(1))
    (tmp_path / "b").mkdir()
    dataset = _load(tmp_path, "validation")
    assert dataset.element_spec == {
        "image": tf.TensorSpec((5, 4, 3), tf.uint8),
        "label": tf.TensorSpec((), tf.int64),
    }
    # One column of four patches in each photo.
    assert int(dataset.cardinality()) == 8
    labels = [int(example["label"]) for example in dataset]
    assert labels == [0] * 4 + [1] * 4  # the empty folder b is no class
    assert [corner[2] for corner in _corners(dataset)] == labels
    assert native_num_levels(f"patches:{tmp_path}") == 256


@pytest.mark.parametrize("count", [1, 3, 10, 12])
def test_no_pixel_is_in_two_splits(tmp_path, count):
    _fill(tmp_path, count)
    pixels = [set(_pixels(_load(tmp_path, part))) for part in PARTS]
    assert all(pixels)
    for first, second in itertools.combinations(pixels, 2):
        assert not first & second


@pytest.mark.parametrize("count", [2, 9])
def test_few_photos_are_cut_into_bands_of_80_10_and_10_percent(tmp_path, count):
    _fill(tmp_path, count, columns=80)
    columns = {
        part: {column for _, column, _ in _pixels(_load(tmp_path, part))}
        for part in PARTS
    }
    assert columns == {
        "train": set(range(64)),
        "validation": set(range(64, 72)),
        "test": set(range(72, 80)),
    }


def test_ten_photos_are_divided_and_each_is_whole(tmp_path):
    _fill(tmp_path, 10, rows=10, columns=12)
    photos = [{pixel[2] for pixel in _pixels(_load(tmp_path, part))} for part in PARTS]
    assert list(map(len, photos)) == [8, 1, 1]
    assert set.union(*photos) == set(range(10))
    for part in PARTS:
        columns = {column for _, column, _ in _pixels(_load(tmp_path, part))}
        assert columns == set(range(12))


@pytest.mark.parametrize("count", [1, 10])
@pytest.mark.parametrize("part", ["validation", "test"])
def test_validation_and_test_patches_do_not_overlap(tmp_path, count, part):
    assert set(_pixels(_load(_fill(tmp_path, count), part)).values()) == {1}


def test_training_patches_lie_half_a_patch_apart_rounded_up(tmp_path):
    corners = _corners(_load(_fill(tmp_path, 1), "train"))
    # The band has 40 of 51 columns.
    assert corners == [(r, c, 0) for r in range(0, 19, 3) for c in range(0, 37, 2)]


def test_patches_are_pieces_of_the_photo_pixel_by_pixel(tmp_path):
    for image in _images(_load(_fill(tmp_path, 2))):
        row, column, number = map(int, image[0, 0])
        expected = _photo(number)[row : row + 5, column : column + 4]
        np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize("count", [2, 11])
def test_all_is_the_three_splits_one_after_another(tmp_path, count):
    _fill(tmp_path, count)
    parts = [_images(_load(tmp_path, part)) for part in PARTS]
    np.testing.assert_array_equal(_images(_load(tmp_path)), np.concatenate(parts))


def test_grey_photos_become_rgb_and_colours_grey_where_wanted(tmp_path):
    grey = np.arange(800).reshape(20, 40) % 256
    write_image(tmp_path / "grey.png", grey)
    write_image(tmp_path / "rgb.png", np.stack([grey] * 3, -1))
    rgb = _images(_load(tmp_path))
    assert rgb.shape[1:] == (5, 4, 3)
    single = _images(_load(tmp_path, color_mode="grayscale"))
    np.testing.assert_array_equal(np.repeat(single, 3, -1), rgb)


def test_levels_are_merged(tmp_path):
    fine = _images(_load(_fill(tmp_path, 1)))
    coarse = _images(_load(tmp_path, num_levels=16))
    np.testing.assert_array_equal(coarse, fine // 16)
    with pytest.raises(ValueError, match="at most 256"):
        _load(tmp_path, num_levels=257)


@pytest.mark.parametrize(
    ("rows", "columns", "told"), [(4, 51, "has 4 rows"), (23, 39, "and 39 columns")]
)
def test_a_photo_too_small_is_told_how_large_it_must_be(tmp_path, rows, columns, told):
    _fill(tmp_path, 1, rows=rows, columns=columns)
    for part in PARTS:
        with pytest.raises(
            ValueError, match=f"5 rows and 40 columns .*bands.*00.png' .*{told}"
        ):
            _load(tmp_path, part)


def test_damaged_photos_are_skipped_and_named_and_the_division_stays(tmp_path, caplog):
    _fill(tmp_path, 12)
    before = {part: set(_pixels(_load(tmp_path, part))) for part in PARTS}
    (tmp_path / "02.png").write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        after = {part: set(_pixels(_load(tmp_path, part))) for part in PARTS}
    assert [record.getMessage() for record in caplog.records] == [
        "skipped 1 of 9 photos that could not be read: 02.png"
    ]
    for part in PARTS:
        assert after[part] == {pixel for pixel in before[part] if pixel[2] != 2}


@pytest.mark.parametrize("count", [1, 10])
def test_a_wrong_split_is_answered_with_the_ones_there_are(tmp_path, count):
    with pytest.raises(
        ValueError, match=r"'train', 'validation', 'test', 'all'.*'train\[:5\]'"
    ):
        _load(_fill(tmp_path, count), "train[:5]")


def test_a_missing_folder_is_answered_with_the_forms_there_are(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"no folder .*nowhere.*patches:PATH.*patches:sample_"
    ):
        _load(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="No image was found"):
        _load(tmp_path)


def test_sample_photos_are_those_of_scikit_learn():
    images = _images(load("patches:sample_photos", "test"))
    photos = load_sample_images().images
    for photo, patches in zip(photos, np.split(images, 2), strict=True):
        joined = patches.reshape(13, 2, 32, 32, 3).swapaxes(1, 2).reshape(416, 64, 3)
        np.testing.assert_array_equal(joined, photo[:416, 576:])


def test_folders_of_splits_are_these_splits(tmp_path):
    """Once photos for testing were cut into training patches, too."""
    for i, split in enumerate(["train", "val", "test"]):
        write_image(tmp_path / split / "x.png", np.full((6, 6, 3), i))
    for i, split in enumerate(["train", "validation", "test"]):
        images = [example["image"].numpy() for example in _load(tmp_path, split)]
        assert images and all((image == i).all() for image in images)
