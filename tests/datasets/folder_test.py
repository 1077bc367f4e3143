"""Tests of folders of images: what is found, read and refused."""

import logging

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.datasets import label_names, load, native_num_levels
from tests.datasets.image_folder import fill_folder, load_folder, numbers, write_image

PARTS = ("train", "validation", "test")


def _labels(dataset):
    return {
        int(example["image"][0, 0, 0]): int(example["label"]) for example in dataset
    }


@pytest.mark.parametrize("cache", [True, False])
def test_images_labels_types_and_cardinality(tmp_path, cache):
    dataset = load_folder(fill_folder(tmp_path), cache=cache)
    assert dataset.element_spec == {
        "image": tf.TensorSpec((6, 5, 3), tf.uint8),
        "label": tf.TensorSpec((), tf.int64),
    }
    assert int(dataset.cardinality()) == 20
    assert _labels(dataset) == {number: number % 2 for number in range(20)}
    assert native_num_levels(f"folder:{tmp_path}") == 256
    assert label_names(f"folder:{tmp_path}") == ("even", "odd")


def test_splits_are_disjoint_and_complete_for_every_seed(tmp_path):
    fill_folder(tmp_path)
    parts = [sorted(numbers(load_folder(tmp_path, part, seed=1))) for part in PARTS]
    assert [len(part) for part in parts] == [16, 2, 2]
    assert sorted(np.concatenate(parts)) == list(range(20))
    assert [
        sorted(numbers(load_folder(tmp_path, part, seed=2))) for part in PARTS
    ] == parts


def test_the_split_does_not_depend_on_where_the_folder_lies(tmp_path):
    orders = [
        numbers(load_folder(fill_folder(tmp_path / name), "test"))
        for name in ("x", "y/z")
    ]
    assert orders[0] == orders[1]


def test_labels_count_the_sorted_folders_that_hold_images(tmp_path, caplog):
    """Once folders without images, as of annotations, shifted the labels of others."""
    for number, name in enumerate(["b", "a/deep/er", "d"]):
        write_image(tmp_path / name / "x.png", np.full((4, 4), number))
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations" / "a.xml").write_text("no image")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "._x.png").write_text("no image")
    with caplog.at_level(logging.INFO, "absl"):  # whose level programs set
        assert _labels(load_folder(tmp_path)) == {1: 0, 0: 1, 2: 2}
    assert f"3 classes in {tmp_path}: 0 a, 1 b, 2 d" in caplog.text


def test_numbers_sort_as_numbers(tmp_path):
    """Once "10" came before "2"."""
    names = ["2", "10", "01", "1", "x2", "x10", "x"]
    for number, name in enumerate(names):
        write_image(tmp_path / name / "x.png", np.full((4, 4), number))
    labels = _labels(load_folder(tmp_path))
    found = sorted(range(len(names)), key=labels.get)
    assert [names[i] for i in found] == ["01", "1", "2", "10", "x", "x2", "x10"]


def test_images_directly_in_the_folder_have_no_label(tmp_path):
    """Once they were of class 0, as which a model by class then scored them."""
    for number in range(3):
        write_image(tmp_path / f"{number}.png", np.full((4, 4), number))
    assert _labels(load_folder(tmp_path)) == {0: -1, 1: -1, 2: -1}


@pytest.mark.parametrize("cache", [True, False])
def test_images_tell_their_files(tmp_path, cache):
    fill_folder(tmp_path)
    (tmp_path / "even" / "04.png").write_bytes(b"damaged")
    found = {
        example["path"].numpy().decode(): int(example["image"][0, 0, 0])
        for example in load_folder(tmp_path, with_path=True, cache=cache)
    }
    numbers = [number for number in range(20) if number != 4]
    assert found == {
        f"{'odd' if number % 2 else 'even'}/{number:02}.png": number
        for number in numbers
    }
    with pytest.raises(ValueError, match=r"with_path` is for 'folder:PATH'.*'digits'"):
        load("digits", with_path=True)


def test_folders_of_archives_and_thumbnails_are_no_classes(tmp_path):
    for number, name in enumerate(["b", "__MACOSX/b", "@eaDir/b", "c"]):
        write_image(tmp_path / name / "x.png", np.full((4, 4), number))
    assert _labels(load_folder(tmp_path)) == {0: 0, 3: 1}


def test_an_image_beside_class_folders_is_told(tmp_path):
    """Once a stray thumbnail was a class, and shifted the others."""
    fill_folder(tmp_path, 10)
    write_image(tmp_path / "thumb.png", np.full((6, 5, 3), 99))
    with pytest.raises(ValueError, match=r"holds both: thumb\.png lie beside"):
        load_folder(tmp_path)


# Folders of splits.


def _fill_splits(folder, names, classes=("cat", "dog"), count=10):
    """Writes as many images into each, whose pixels tell where they are."""
    for i, name in enumerate(names):
        for j in range(count):
            path = folder / name / classes[j % len(classes)] / f"{j}.png"
            write_image(path, np.full((4, 4), count * i + j))
    return folder


def test_split_folders_are_splits_and_no_classes(tmp_path):
    """Once train and test were classes, and test images in the training split."""
    _fill_splits(tmp_path, ["Train", "val", "test"])
    for i, split in enumerate(PARTS):
        labels = _labels(load_folder(tmp_path, split))
        assert labels == {10 * i + j: j % 2 for j in range(10)}
    assert len(numbers(load_folder(tmp_path, "all"))) == 30


@pytest.mark.parametrize("own", ["test", "valid"])
def test_a_split_without_a_folder_is_taken_from_training(tmp_path, own):
    _fill_splits(tmp_path, ["train", own])
    found = [sorted(numbers(load_folder(tmp_path, split))) for split in PARTS]
    with_folder = 2 if own == "test" else 1
    assert found[with_folder] == list(range(10, 20))
    assert len(found[3 - with_folder]) == 1
    assert sorted(found[0] + found[3 - with_folder]) == list(range(10))


@pytest.mark.parametrize("own", ["dev", "Eval", "evaluation", "holdout"])
def test_other_names_of_the_split_for_validation(tmp_path, own):
    _fill_splits(tmp_path, ["train", own])
    assert sorted(numbers(load_folder(tmp_path, "validation"))) == list(range(10, 20))


@pytest.mark.parametrize("names", [["test"], ["val", "test"]])
def test_splits_without_one_for_training_are_no_classes(tmp_path, names):
    _fill_splits(tmp_path, names)
    with pytest.raises(ValueError, match=r"one must be for training.*only test"):
        load_folder(tmp_path)


def test_training_folders_alone_are_divided(tmp_path):
    _fill_splits(tmp_path, ["train"])
    found = [numbers(load_folder(tmp_path, split)) for split in PARTS]
    assert [len(part) for part in found] == [8, 1, 1]
    assert _labels(load_folder(tmp_path)) == {j: j % 2 for j in range(10)}


def test_test_images_without_classes_have_no_label(tmp_path):
    _fill_splits(tmp_path, ["train"])
    for number in (20, 21):
        write_image(tmp_path / "test" / f"{number}.png", np.full((4, 4), number))
    assert _labels(load_folder(tmp_path, "test")) == {20: -1, 21: -1}


def test_classes_are_counted_over_all_splits(tmp_path):
    _fill_splits(tmp_path, ["train"], ("cat", "dog"))
    write_image(tmp_path / "test" / "dog" / "x.png", np.full((4, 4), 99))
    assert _labels(load_folder(tmp_path, "test")) == {99: 1}


def test_splits_beside_classes_are_told(tmp_path):
    _fill_splits(tmp_path, ["train", "test"])
    write_image(tmp_path / "cat" / "x.png", np.full((4, 4), 99))
    with pytest.raises(ValueError, match="holds splits, test, train, beside cat"):
        load_folder(tmp_path)


@pytest.mark.parametrize(
    "names",
    [
        ["train_set", "validation_set", "test_set"],
        ["TrainImages", "Val images", "test-images"],
        ["train2017", "val2017", "test2017"],
        ["seg_train", "seg_dev", "seg_test"],
        ["training", "eval", "test1"],
        ["images/train", "images/val", "images/test"],
        ["a/b/train_set", "a/b/val_set", "a/b/test_set"],
    ],
)
def test_split_folders_of_other_names_and_places(tmp_path, names, caplog):
    """Once train_set and test_set were classes, and images/ the only one."""
    _fill_splits(tmp_path, names)
    with caplog.at_level(logging.INFO, "absl"):
        for i, split in enumerate(PARTS):
            labels = _labels(load_folder(tmp_path, split))
            assert labels == {10 * i + j: j % 2 for j in range(10)}
    assert label_names(f"folder:{tmp_path}") == ("cat", "dog")
    assert f"{names[2]} for test" in caplog.text


@pytest.mark.parametrize(
    "classes",
    [
        ["sleeping", "training"],
        ["test_tube", "train_station"],
        ["contest", "trainer"],
        ["car", "plane", "train"],
        ["train1", "train2", "wagon"],
        ["cars/train", "cars/wagon"],
        ["train_station/old", "train_station/new"],
    ],
)
def test_classes_whose_names_sound_like_splits(tmp_path, classes):
    for number, name in enumerate(classes):
        write_image(tmp_path / name / "x.png", np.full((4, 4), number))
    tops = sorted({name.split("/")[0] for name in classes})
    expected = {i: tops.index(name.split("/")[0]) for i, name in enumerate(classes)}
    assert _labels(load_folder(tmp_path)) == expected


def test_splits_in_class_folders_are_told(tmp_path):
    """Once their test images were in the training split."""
    for name in ("cat", "dog"):
        for split in ("train", "test"):
            write_image(tmp_path / name / split / "x.png", np.zeros((4, 4)))
    with pytest.raises(ValueError, match=r"the class folder '.*cat' holds splits, tes"):
        load_folder(tmp_path)
    assert len(numbers(load_folder(tmp_path / "cat", "test"))) == 1


def test_merged_levels_are_told(tmp_path, caplog):
    """Once a config's num_levels=17 came along to photographs silently."""
    load_folder(fill_folder(tmp_path), num_levels=256)
    assert not caplog.records
    load_folder(tmp_path, num_levels=17)
    assert "The 256 levels of the images are merged to num_levels=17" in caplog.text


def test_the_home_folder_may_be_written_as_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    fill_folder(tmp_path / "pictures", 10)
    assert len(numbers(load_folder("~/pictures"))) == 10


def test_what_is_hidden_or_no_image_is_ignored_silently(tmp_path, caplog):
    fill_folder(tmp_path, 10)
    (tmp_path / "labels.csv").write_text("no image")
    (tmp_path / "even" / "notes.txt").write_text("no image")
    (tmp_path / "even" / "._00.png").write_text("what some systems leave behind")
    write_image(tmp_path / ".thumbnails" / "00.png", np.full((6, 5, 3), 99))
    write_image(tmp_path / "even" / ".old" / "00.png", np.full((6, 5, 3), 99))
    (tmp_path / "even" / "folder.png").mkdir()
    assert _labels(load_folder(tmp_path)) == {
        number: number % 2 for number in range(10)
    }
    assert not caplog.records


def test_suffixes_may_be_upper_case(tmp_path):
    write_image(tmp_path / "a.PNG", np.full((4, 4), 7))
    write_image(tmp_path / "b.JPG", np.full((4, 4), 9))
    assert sorted(numbers(load_folder(tmp_path))) == [7, 9]


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere.*folder:PATH"):
        load_folder(tmp_path / "nowhere")


def test_a_folder_without_images_says_what_was_looked_for(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "notes.txt").write_text("")
    with pytest.raises(FileNotFoundError, match=r"No image .* \.jpeg, .*\.png, "):
        load_folder(tmp_path)


def test_a_wrong_split_is_answered_with_the_ones_there_are(tmp_path):
    with pytest.raises(ValueError, match="'train', 'validation', 'test', 'all'"):
        load_folder(fill_folder(tmp_path), "train[:50%]")


def test_an_empty_split_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="'validation' is empty: there are only 3"):
        load_folder(fill_folder(tmp_path, 3), "validation")


@pytest.mark.parametrize("cache", [True, False])
def test_images_of_differing_size_need_an_image_size(tmp_path, cache):
    fill_folder(tmp_path)
    write_image(tmp_path / "odd" / "21.png", np.full((7, 5, 3), 21))
    with pytest.raises(
        ValueError, match=r"\(6, 5, 3\).*21.png.*\(7, 5, 3\).*image_size="
    ):
        load_folder(tmp_path, cache=cache)
    dataset = load_folder(tmp_path, image_size=(4, 4), cache=cache)
    assert sorted(numbers(dataset)) == [*range(20), 21]
    assert dataset.element_spec["image"].shape == (4, 4, 3)


def test_images_of_differing_colour_need_a_colour_mode(tmp_path):
    fill_folder(tmp_path)
    write_image(tmp_path / "odd" / "21.png", np.full((6, 5), 21))
    for size in (None, (4, 4)):
        with pytest.raises(ValueError, match=r"21.png.*\(6, 5, 1\).*color_mode="):
            load_folder(tmp_path, image_size=size)
    for mode, channels in (("rgb", 3), ("grayscale", 1)):
        dataset = load_folder(tmp_path, color_mode=mode)
        assert dataset.element_spec["image"].shape == (6, 5, channels)
        assert sorted(numbers(dataset)) == [*range(20), 21]


def test_more_levels_than_256_are_refused(tmp_path):
    with pytest.raises(ValueError, match="at most 256"):
        load_folder(fill_folder(tmp_path), num_levels=257)


def test_cached_images_need_their_files_no_more(tmp_path):
    dataset = load_folder(fill_folder(tmp_path))
    for path in tmp_path.rglob("*.png"):
        path.unlink()
    assert sorted(numbers(dataset)) == list(range(20))


def test_uncached_images_are_read_again(tmp_path):
    dataset = load_folder(fill_folder(tmp_path), cache=False)
    write_image(tmp_path / "even" / "00.png", np.full((6, 5, 3), 77))
    assert sorted(numbers(dataset)) == [*range(1, 20), 77]
    (tmp_path / "odd" / "07.png").unlink()
    with pytest.raises(tf.errors.OpError, match=r"odd/07\.png' could be read when"):
        numbers(dataset)
