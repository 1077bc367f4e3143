"""Tests of folders of IDX files, the form in which MNIST is published."""

import gzip
import pathlib
import re
import struct

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.datasets import DamagedImageError, load, native_num_levels

COUNTS = {"train": 20, "t10k": 5}
SHAPE = (3, 4)


def _image(number):
    return np.arange(number, number + 12, dtype=np.uint8).reshape(SHAPE)


def _encode(values):
    header = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    return header + values.astype(np.uint8).tobytes()


def _fill(folder, parts=("train", "t10k"), spelling="{}-idx{}-ubyte", suffix=""):
    """Writes images that start with their number, 0 to 19 and 100 to 104."""
    for part in parts:
        start = 100 if part == "t10k" else 0
        numbers = np.arange(start, start + COUNTS[part])
        arrays = {"images": np.stack([*map(_image, numbers)]), "labels": numbers % 10}
        for kind, values in arrays.items():
            name = spelling.format(f"{part}-{kind}", values.ndim) + suffix
            content = _encode(values)
            (folder / name).write_bytes(
                gzip.compress(content, mtime=0) if suffix == ".gz" else content
            )
    return folder


def _load(folder, split="train", **options):
    return load(f"idx:{folder}", split, **{"shuffle": False, **options})


def _numbers(dataset):
    return [int(example["image"][0, 0, 0]) for example in dataset]


def test_images_labels_types_and_cardinality(tmp_path):
    dataset = _load(_fill(tmp_path))
    assert dataset.element_spec == {
        "image": tf.TensorSpec((3, 4, 1), tf.uint8),
        "label": tf.TensorSpec((), tf.int64),
    }
    assert int(dataset.cardinality()) == 20
    for number, example in enumerate(dataset):
        np.testing.assert_array_equal(example["image"][..., 0], _image(number))
        assert int(example["label"]) == number % 10
    assert native_num_levels(f"idx:{tmp_path}") == 256


@pytest.mark.parametrize("spelling", ["{}-idx{}-ubyte", "{}.idx{}-ubyte"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_each_spelling_is_found_compressed_or_not(tmp_path, spelling, suffix):
    _fill(tmp_path, spelling=spelling, suffix=suffix)
    assert _numbers(_load(tmp_path)) == list(range(20))


def test_the_suffix_need_not_tell_whether_a_file_is_compressed(tmp_path):
    _fill(tmp_path, ["train"], suffix=".gz")
    for path in tmp_path.iterdir():
        path.rename(path.with_suffix(""))
    assert _numbers(_load(tmp_path)) == list(range(20))
    for path in tmp_path.iterdir():
        path.write_bytes(gzip.decompress(path.read_bytes()))
        path.rename(f"{path}.gz")
    assert _numbers(_load(tmp_path)) == list(range(20))


def test_the_home_folder_may_be_written_as_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    _fill(tmp_path)
    assert len(_numbers(_load("~"))) == 20


@pytest.mark.parametrize(
    ("split", "numbers"),
    [
        ("train", range(20)),
        ("test", range(100, 105)),
        ("train[:15]", range(15)),
        ("train[90%:]", range(18, 20)),
        ("train[-3:]", range(17, 20)),
        ("test[1:3]", [101, 102]),
        ("train+test", [*range(20), *range(100, 105)]),
        ("test[:1] + train[:10%]", [100, 0, 1]),
        ("all", [*range(20), *range(100, 105)]),
    ],
)
def test_splits_are_those_of_tfds_in_the_order_of_the_files(tmp_path, split, numbers):
    dataset = _load(_fill(tmp_path), split)
    assert _numbers(dataset) == list(numbers)
    assert [int(x["label"]) for x in dataset] == [number % 10 for number in numbers]
    assert int(dataset.cardinality()) == len(numbers)


def test_only_the_files_of_the_split_must_be_there(tmp_path):
    _fill(tmp_path, ["t10k"])
    assert _numbers(_load(tmp_path, "test[2:]")) == [102, 103, 104]
    with pytest.raises(FileNotFoundError, match="'train-images'"):
        _load(tmp_path, "test+train")


@pytest.mark.parametrize(
    "split", ["dev", "train[:5", "train[:200%]", "test[9:]", "all[:3]", "train[3]"]
)
def test_a_wrong_split_is_answered_with_the_ones_there_are(tmp_path, split):
    told = rf"must be 'train', 'test', 'all', .* received {re.escape(repr(split))}"
    with pytest.raises(ValueError, match=told):
        _load(_fill(tmp_path), split)


@pytest.mark.parametrize("split", ["train[5:5]", "train[50%:30%]"])
def test_an_empty_split_is_an_error(tmp_path, split):
    with pytest.raises(ValueError, match=rf"{re.escape(repr(split))} of .* is empty"):
        _load(_fill(tmp_path), split)


def test_a_missing_folder_tells_where_debian_has_the_files(tmp_path):
    told = r"no folder .*nowhere'.*dataset-fashion-mnist.*/usr/share/datasets/fashion-"
    with pytest.raises(FileNotFoundError, match=told):
        _load(tmp_path / "nowhere")


@pytest.mark.parametrize("kind", ["images-idx3", "labels-idx1"])
def test_a_missing_file_tells_all_names_that_were_looked_for(tmp_path, kind):
    (_fill(tmp_path) / f"train-{kind}-ubyte").unlink()
    with pytest.raises(FileNotFoundError) as raised:
        _load(tmp_path)
    for name in (f"train-{kind}-ubyte", f"train-{kind.replace('-', '.')}-ubyte"):
        assert f"{name}, {name}.gz" in str(raised.value)
    assert "dataset-fashion-mnist" in str(raised.value)


IMAGES = _encode(np.zeros((20, 3, 4)))
ZIPPED = gzip.compress(IMAGES, mtime=0)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "magic number 00 00 08 03, received an empty file"),
        (b"<html>", "magic number 00 00 08 03, received 3c 68 74 6d"),
        (_encode(np.zeros(20)), "magic number 00 00 08 03, received 00 00 08 01"),
        (IMAGES[:9], "a header of 16 bytes, received a file of 9 bytes"),
        (IMAGES[:-1], r"240 bytes .* sizes \(20, 3, 4\), received 239 bytes"),
        (IMAGES + b"0", "240 bytes after .*, received more"),
        (gzip.compress(IMAGES[:-9], mtime=0), "240 bytes after .*, received 231 bytes"),
        (ZIPPED[:-9], "a whole gzip file, received a damaged one .*ended before"),
        (ZIPPED[:12] + b"\xff" + ZIPPED[13:], "a whole gzip file, .*decompressing"),
        (ZIPPED[:-8] + b"1234" + ZIPPED[-4:], "a whole gzip file, .*CRC"),
        (IMAGES[:4] + b"\xff" * 12 + IMAGES[16:], r"sizes \(4294967295.* 240 bytes"),
        (IMAGES[:8] + b"\0" * 8, r"at least one pixel, received the sizes \(20, 0, 0"),
    ],
)
def test_a_damaged_file_is_named_with_what_was_expected(tmp_path, content, told):
    (_fill(tmp_path) / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(
        DamagedImageError, match=f"train-images-idx3-ubyte' is damaged: .*{told}"
    ):
        _load(tmp_path)
    assert len(_numbers(_load(tmp_path, "test"))) == 5


def test_a_label_is_there_for_each_image(tmp_path):
    (_fill(tmp_path) / "train-labels-idx1-ubyte").write_bytes(_encode(np.zeros(19)))
    told = "train-labels-idx1-ubyte' must hold .* 20 images of .*, but holds 19"
    with pytest.raises(DamagedImageError, match=told):
        _load(tmp_path)


def test_training_and_test_images_of_differing_size_are_not_joined(tmp_path):
    images = _encode(np.zeros((5, 2, 2)))
    (_fill(tmp_path) / "t10k-images-idx3-ubyte").write_bytes(images)
    with pytest.raises(DamagedImageError, match=r"one size .*\(2, 2\) and \(3, 4\)"):
        _load(tmp_path, "train+test")


def test_files_larger_than_what_is_read_at_a_time_are_whole(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 640, 640), np.uint8)
    (_fill(tmp_path) / "t10k-images-idx3-ubyte").write_bytes(_encode(images))
    read = [example["image"][..., 0] for example in _load(tmp_path, "test")]
    np.testing.assert_array_equal(read, images)


def test_training_slices_are_shuffled_and_the_files_are_needed_no_more(tmp_path):
    dataset = _load(_fill(tmp_path), "train[:80%]", shuffle=None, cache=False)
    for path in pathlib.Path(tmp_path).iterdir():
        path.unlink()
    first, second = _numbers(dataset), _numbers(dataset)
    assert first != second
    assert sorted(first) == sorted(second) == list(range(16))
