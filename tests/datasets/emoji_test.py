"""Tests of emoji as a dataset: which picture of the sheet, which label, which split."""

import json

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from keras_pixelcnn.datasets import (
    DamagedImageError,
    emoji,
    label_names,
    load,
    native_num_levels,
)

ENTRIES = [
    ("1F600", "Smileys & Emotion", "face-smiling"),
    ("1F436", "Animals & Nature", "animal-mammal"),
    ("1F3FB", "Component", "skin-tone"),
    ("1F34E", "Food & Drink", "food-fruit"),
    ("1F469-200D-1F373", "People & Body", "person-role"),
    ("1F3C3", "People & Body", "person-activity"),
]
TONES = ("1F3FB", "1F3FF")
"""Skin tones that the last two have besides."""


def write_package(root, maker="maker", shift=0, missing=()):
    """A package whose pictures each have one colour: their place in the sheet."""
    sheet = np.zeros((34 * 4, 34 * 4, 4), np.uint8)
    places = iter([(x, y) for x in range(4) for y in range(4)])

    def place(code_points):
        x, y = next(places)
        inside = sheet[34 * y + 1 : 34 * y + 33, 34 * x + 1 : 34 * x + 33]
        inside[:] = (40 * x + shift, 40 * y, 7, 255)
        inside[0, 0] = (0, 0, 0, 0)  # transparent black
        has_image = code_points not in missing
        entry = {"unified": code_points, "sheet_x": x, "sheet_y": y}
        return {**entry, f"has_img_{maker}": has_image}

    entries = []
    for code_points, category, subcategory in ENTRIES:
        entry = {**place(code_points), "category": category, "subcategory": subcategory}
        if category == "People & Body":
            tones = {tone: place(f"{code_points}-{tone}") for tone in TONES}
            entry["skin_variations"] = tones
        entries.append(entry)
    folder = root / f"emoji-datasource-{maker}"
    path = folder / "img" / maker / "sheets" / "32.png"
    path.parent.mkdir(parents=True)
    PIL.Image.fromarray(sheet).save(path)
    (folder / "emoji.json").write_text(json.dumps(entries))
    return folder


@pytest.fixture
def root(tmp_path):
    write_package(tmp_path)
    return tmp_path


def _arrays(root, split="all", **options):
    dataset = load(f"emoji:{root}", split, shuffle=False, **options)
    batch = next(iter(dataset.batch(1000).as_numpy_iterator()))
    return batch["image"], batch["label"]


def test_types_and_cardinality(root):
    dataset = load(f"emoji:{root}", "all")
    assert dataset.element_spec == {
        "image": tf.TensorSpec((32, 32, 3), tf.uint8),
        "label": tf.TensorSpec((), tf.int64),
    }
    assert int(dataset.cardinality()) == 9
    assert native_num_levels(f"emoji:{root}") == 256


def test_each_picture_is_cut_from_its_place_and_laid_over_white(root):
    images, labels = _arrays(root)
    places = [divmod(number, 4) for number in range(10) if number != 2]
    for image, (x, y) in zip(images, places, strict=True):
        assert image[0, 0].tolist() == [255, 255, 255]
        assert np.all(image.reshape(-1, 3)[1:] == [40 * x, 40 * y, 7])
    names = [emoji.CATEGORIES[label] for label in labels]
    assert names == [ENTRIES[0][1], ENTRIES[1][1], ENTRIES[3][1]] + [ENTRIES[4][1]] * 6


def test_labels_are_subcategories_where_these_are_wanted(root):
    names = label_names(f"emoji:{root}", label_feature="subcategory")
    assert names == tuple(sorted(name for *_, name in ENTRIES if name != "skin-tone"))
    _, labels = _arrays(root, label_feature="subcategory")
    kinds = [name for *_, name in ENTRIES if name != "skin-tone"]
    assert [names[label] for label in labels] == [
        *kinds[:3],
        *(kind for kind in kinds[3:] for _ in range(3)),
    ]
    images, _ = _arrays(root, label_feature="subcategory")
    np.testing.assert_array_equal(images, _arrays(root)[0])
    assert label_names(f"emoji:{root}") == emoji.CATEGORIES
    with pytest.raises(ValueError, match=r"one of .*'subcategory'.* received 'kind'"):
        _arrays(root, label_feature="kind")
    (path,) = root.rglob("emoji.json")
    path.write_text(path.read_text().replace("subcategory", "kind"))
    assert len(_arrays(root)[0]) == len(images)
    with pytest.raises(DamagedImageError, match="'subcategory'"):
        _arrays(root, label_feature="subcategory")


def test_pictures_that_are_missing_or_equal_are_left_out(tmp_path):
    write_package(tmp_path, "one")
    write_package(tmp_path, "two")  # the same pictures
    write_package(tmp_path, "xyz", shift=1, missing=["1F600"])
    images, _ = _arrays(tmp_path)
    assert len(images) == 9 + 8
    assert len({image.tobytes() for image in images}) == len(images)


@pytest.mark.parametrize(
    ("variants", "subject"),
    [
        (["1F469-200D-1F373", "1F468-1F3FD-200D-1F373", "1F9D1-200D-1F373"], "1F373"),
        (["1F3C3", "1F3C3-200D-2640-FE0F", "1F3C3-1F3FF-200D-2642"], "1F3C3"),
        (["1F468", "1F469-1F3FB", "1F9D1-1F3FE"], "person"),
        (["0038-FE0F-20E3", "0038-20E3"], "38"),
        (["1F1E9-1F1EA"], "1F1E9-1F1EA"),
    ],
)
def test_variants_of_an_emoji_have_one_subject(variants, subject):
    assert {emoji.subject(variant) for variant in variants} == {subject}


def test_splits_are_disjoint_and_whole(tmp_path):
    write_package(tmp_path, "one")
    write_package(tmp_path, "two", shift=1)
    everything, _ = _arrays(tmp_path)
    found = {}
    for split in ("train", "validation", "test"):
        try:
            found[split] = {image.tobytes() for image in _arrays(tmp_path, split)[0]}
        except ValueError as error:
            assert "is empty" in str(error)
    assert sum(map(len, found.values())) == len(everything)
    assert set().union(*found.values()) == {image.tobytes() for image in everything}
    for images in found.values():  # what one maker has on a side, the other has too
        greens = {
            shift: {
                image[1, 1, 1] for image in pictures if image[1, 1, 0] % 40 == shift
            }
            for shift in (0, 1)
            for pictures in [
                [np.frombuffer(i, np.uint8).reshape(32, 32, 3) for i in images]
            ]
        }
        assert greens[0] == greens[1]


def test_refuses_what_is_not_there_or_damaged(tmp_path):
    with pytest.raises(FileNotFoundError, match="npm install"):
        load(f"emoji:{tmp_path}")
    folder = write_package(tmp_path)
    with pytest.raises(ValueError, match="split"):
        load(f"emoji:{tmp_path}", "dev")
    sheet = folder / "img" / "maker" / "sheets" / "32.png"
    PIL.Image.new("RGBA", (34, 34)).save(sheet)
    with pytest.raises(DamagedImageError, match="ends before the picture of 1F436"):
        load(f"emoji:{tmp_path}", "all")
    sheet.write_bytes(b"no picture")
    with pytest.raises(DamagedImageError, match=r"32\.png"):
        load(f"emoji:{tmp_path}", "all")
    sheet.unlink()
    with pytest.raises(FileNotFoundError, match="whole package"):
        load(f"emoji:{tmp_path}", "all")
    write_package(tmp_path, "other")
    (folder / "emoji.json").write_text('[{"unified": "1F600"}]')
    sheet.parent.mkdir(exist_ok=True)
    PIL.Image.new("RGBA", (136, 136)).save(sheet)
    with pytest.raises(DamagedImageError, match="sheet_x"):
        load(f"emoji:{tmp_path}", "all")
    (folder / "emoji.json").write_text("[")
    with pytest.raises(DamagedImageError, match="Unpack the package anew"):
        load(f"emoji:{tmp_path}", "all")
