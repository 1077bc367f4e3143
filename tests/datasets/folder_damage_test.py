"""Tests that damaged files of a folder are skipped, counted and named, or raise."""

import logging

import numpy as np
import pytest

from keras_pixelcnn.datasets import DamagedImageError
from tests.datasets.image_folder import fill_folder, load_folder, numbers, write_image


def _damage(folder):
    """Damages images 3 and 8 of 20 and adds one that never was an image."""
    cut = folder / "odd" / "03.png"
    cut.write_bytes(cut.read_bytes()[:-40])
    (folder / "even" / "08.png").write_bytes(b"")
    (folder / "odd" / "text.jpg").write_text("no image")
    return "even/08.png, odd/03.png, odd/text.jpg"


@pytest.mark.parametrize("cache", [True, False])
def test_damaged_files_are_skipped_counted_and_named_once(tmp_path, caplog, cache):
    names = _damage(fill_folder(tmp_path))
    with caplog.at_level(logging.WARNING):
        dataset = load_folder(tmp_path, cache=cache, batch_size=4)
        sound = [number for number in range(20) if number not in (3, 8)]
        for _ in range(2):
            images = np.concatenate([batch["image"] for batch in dataset])
            assert sorted(images[:, 0, 0, 0]) == sound
    assert [record.getMessage() for record in caplog.records] == [
        f"skipped 3 of 21 files that could not be read: {names}"
    ]
    assert int(dataset.cardinality()) == 5


def test_a_truncated_jpeg_is_damaged_at_any_scale(tmp_path, caplog):
    photo = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    for name in ("a.jpg", "b.jpg"):
        write_image(tmp_path / name, photo)
    (tmp_path / "b.jpg").write_bytes((tmp_path / "b.jpg").read_bytes()[:9000])
    assert len(list(load_folder(tmp_path, image_size=(8, 8)))) == 1
    assert "skipped 1 of 2 files that could not be read: b.jpg" in caplog.text


def test_long_lists_of_damaged_files_are_cut(tmp_path, caplog):
    fill_folder(tmp_path)
    for number in range(12):
        (tmp_path / "odd" / f"{number:02}-x.png").write_text("")
    load_folder(tmp_path)
    assert "skipped 12 of 32 files" in caplog.text
    assert "09-x.png and 2 more" in caplog.text


@pytest.mark.parametrize("cache", [True, False])
def test_damaged_files_may_raise(tmp_path, cache):
    _damage(fill_folder(tmp_path))
    with pytest.raises(DamagedImageError, match=r"(08|03)\.png|text\.jpg"):
        load_folder(tmp_path, cache=cache, on_damaged="raise")


def test_a_sound_folder_does_not_raise(tmp_path):
    assert len(list(load_folder(fill_folder(tmp_path), on_damaged="raise"))) == 20


def test_the_reason_is_told_where_nothing_is_sound(tmp_path):
    (tmp_path / "a.png").write_text("no image")
    with pytest.raises(DamagedImageError, match=r"a\.png \(cannot identify"):
        load_folder(tmp_path)


def test_the_split_stays_when_a_file_is_damaged(tmp_path):
    before = numbers(load_folder(fill_folder(tmp_path), "train", shuffle=False))
    (path,) = tmp_path.rglob(f"{before[0]:02}.png")
    path.write_bytes(b"")
    assert numbers(load_folder(tmp_path, "train", shuffle=False)) == before[1:]
