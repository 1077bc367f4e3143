"""Tests of the letters of fonts as a dataset: whose they are, and in which split."""

import logging

import numpy as np
import pytest
import tensorflow as tf
from PIL import ImageFont

from keras_pixelcnn.datasets import (
    DamagedImageError,
    glyphs,
    label_names,
    load,
    native_num_levels,
    splits,
)
from keras_pixelcnn.datasets.glyph_rendering import render_letters
from tests.datasets.font_files import write_font

FAMILIES = ("Aaa One", "Aaa Two", "Bbb One", "Ggg One", "Kkk One", "Ttt One", "Xxx One")
"""Families, of which the first two count as one."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Fonts in folders, whose names are in another order than those of their files."""
    root = tmp_path_factory.mktemp("fonts")
    for number, family in enumerate(FAMILIES):
        name = f"{len(FAMILIES) - number}.{'OTF' if number % 2 else 'ttf'}"
        write_font(root / f"folder{number % 2}" / name, family, shift=-number)
    return root


def _load(folder, split="all", **options):
    return load(f"glyphs:{folder}", split, shuffle=False, **options)


def _arrays(dataset):
    batch = next(iter(dataset.batch(10_000).as_numpy_iterator()))
    return batch["image"], batch["label"]


def _split_of(family):
    return splits.by_name(family.lower().split()[0])


def test_images_labels_types_and_cardinality(folder):
    dataset = _load(folder)
    assert dataset.element_spec == {
        "image": tf.TensorSpec((28, 28, 1), tf.uint8),
        "label": tf.TensorSpec((), tf.int64),
    }
    assert int(dataset.cardinality()) == 62 * len(FAMILIES)
    assert native_num_levels(f"glyphs:{folder}") == 256


def test_labels_count_the_fonts_by_name(folder):
    fonts = glyphs.load_fonts(folder)
    assert [font.family for font in fonts] == list(FAMILIES)
    images, labels = _arrays(_load(folder))
    np.testing.assert_array_equal(labels, np.repeat(np.arange(len(FAMILIES)), 62))
    expected = render_letters(folder / "folder1" / "6.OTF", (28, 28))
    np.testing.assert_array_equal(images[labels == 1][..., 0], expected)


def test_labels_are_letters_where_these_are_wanted(folder):
    images, labels = _arrays(_load(folder, label_feature="letter"))
    np.testing.assert_array_equal(labels, np.tile(np.arange(62), len(FAMILIES)))
    np.testing.assert_array_equal(images, _arrays(_load(folder))[0])
    names = label_names(f"glyphs:{folder}", label_feature="letter")
    assert len(names) == 62 and (names[1], names[27], names[-1]) == ("B", "b", "9")
    assert label_names(f"glyphs:{folder}") is None
    _, fonts = _arrays(_load(folder, label_feature="font"))
    np.testing.assert_array_equal(fonts, _arrays(_load(folder))[1])
    with pytest.raises(ValueError, match=r"one of \('font', 'letter'\).*'case'"):
        _load(folder, label_feature="case")


def test_no_family_is_in_two_splits_and_each_font_in_one(folder):
    fonts = {}
    for split in ("train", "validation", "test"):
        wanted = [i for i, name in enumerate(FAMILIES) if _split_of(name) == split]
        fonts[split] = np.unique(_arrays(_load(folder, split))[1]).tolist()
        assert fonts[split] == wanted
    assert fonts == {"train": [0, 1, 2], "validation": [5, 6], "test": [3, 4]}
    assert _split_of(FAMILIES[0]) == _split_of(FAMILIES[1])


def test_a_font_stays_in_its_split_when_others_come(folder, tmp_path):
    before = {font.name: font.split for font in glyphs.load_fonts(folder)}
    for number, family in enumerate(FAMILIES[::2]):
        write_font(tmp_path / f"{number}.ttf", family, shift=-number)
    write_font(tmp_path / "new.ttf", "New One", shift=3)
    after = {font.name: font.split for font in glyphs.load_fonts(tmp_path)}
    assert len(after) == 5
    assert after == {
        **{n: before[n] for n in after if n in before},
        **{"New One Regular": _split_of("New One")},
    }


def test_names_fall_to_splits_in_the_shares_that_are_said():
    found = [splits.by_name(f"name {number}") for number in range(2000)]
    shares = [found.count(split) / 2000 for split in ("train", "validation", "test")]
    np.testing.assert_allclose(shares, [0.8, 0.1, 0.1], atol=0.03)


def test_letters_are_drawn_at_the_size_and_levels_merged(folder):
    images, labels = _arrays(_load(folder, image_size=(16, 12), num_levels=4))
    path = folder / "folder0" / "7.ttf"
    expected = render_letters(path, (16, 12)) // 64
    np.testing.assert_array_equal(images[labels == 0][..., 0], expected)
    rgb, _ = _arrays(_load(folder, color_mode="rgb"))
    assert rgb.shape[1:] == (28, 28, 3) and (np.ptp(rgb, axis=-1) == 0).all()
    with pytest.raises(ValueError, match="at most 256"):
        _load(folder, num_levels=257)


def test_fonts_that_cannot_be_used_are_left_out_and_told_why(tmp_path, caplog):
    write_font(tmp_path / "a.ttf", "Bbb One")
    write_font(tmp_path / "b.ttf", "Aaa One", shift=1, last=100)
    write_font(tmp_path / "c.ttf", "Ccc One")
    write_font(tmp_path / "d.ttf", "Bbb One", shift=2)
    (tmp_path / ".hidden.ttf").write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        fonts = glyphs.load_fonts(tmp_path)
    assert [font.name for font in fonts] == ["Bbb One Regular"]
    assert [record.getMessage() for record in caplog.records] == [
        "left out 3 of 4 fonts: b.ttf: no letters, c.ttf: the same as a.ttf, d.ttf: "
        "the same as a.ttf"
    ]


def test_damaged_fonts_are_skipped_and_named_or_raise(tmp_path, caplog):
    write_font(tmp_path / "a.ttf")
    (tmp_path / "b.ttf").write_bytes(b"no font")
    whole = (tmp_path / "a.ttf").read_bytes()
    (tmp_path / "c.ttf").write_bytes(whole[:100])
    with caplog.at_level(logging.WARNING):
        assert len(glyphs.load_fonts(tmp_path)) == 1
    (record,) = caplog.records
    assert record.getMessage().startswith("skipped 2 of 3 fonts that could not be read")
    with pytest.raises(DamagedImageError, match=r"b\.ttf \(.*c\.ttf \(.*Repair or"):
        _load(tmp_path, on_damaged="raise")


def test_fonts_without_outlines_are_left_out_and_not_damaged(
    tmp_path, caplog, monkeypatch
):
    """FreeType refuses to scale what is bitmaps alone."""
    write_font(tmp_path / "a.ttf")
    write_font(tmp_path / "bitmaps.ttf")
    scalable = ImageFont.truetype

    def truetype(path, *arguments, **options):
        if "bitmaps" in path:
            raise OSError("invalid pixel size")
        return scalable(path, *arguments, **options)

    monkeypatch.setattr(ImageFont, "truetype", truetype)
    with caplog.at_level(logging.WARNING):
        assert len(glyphs.load_fonts(tmp_path)) == 1
    (record,) = caplog.records
    assert record.getMessage() == "left out 1 of 2 fonts: bitmaps.ttf: no outlines"


def test_a_font_that_was_changed_is_read_again(tmp_path):
    write_font(tmp_path / "a.ttf", "Aaa One")
    assert glyphs.load_fonts(tmp_path)[0].name == "Aaa One Regular"
    write_font(tmp_path / "a.ttf", "Bbb One")
    write_font(tmp_path / "b.ttf", "Ccc One", shift=1)
    names = [font.name for font in glyphs.load_fonts(tmp_path)]
    assert names == ["Bbb One Regular", "Ccc One Regular"]


def test_an_empty_split_and_a_wrong_one_are_told(tmp_path):
    write_font(tmp_path / "a.ttf", "Aaa One")
    (empty, *_) = {"train", "test"} - {_split_of("Aaa One")}
    with pytest.raises(ValueError, match=f"'{empty}' is empty: none of the 1 fonts"):
        _load(tmp_path, empty)
    with pytest.raises(ValueError, match=r"must be one of .*received 'train\[:5\]'"):
        _load(tmp_path, "train[:5]")


def test_a_missing_folder_and_one_without_fonts_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere.*glyphs:PATH"):
        _load(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"No font was found .*\.otf or \.ttf"):
        _load(tmp_path)
