"""Tests that the letters of a font are drawn whole, at one scale and on one line."""

import numpy as np
import pytest
from PIL import ImageFont

from keras_pixelcnn.datasets.glyph_rendering import (
    LETTERS,
    UnusableFontError,
    read_name,
    render_letters,
)
from tests.datasets.font_files import write_font


@pytest.fixture(scope="module")
def font(tmp_path_factory):
    return write_font(tmp_path_factory.mktemp("fonts") / "font.ttf")


def _rows(picture):
    """The first and the last row with ink."""
    return np.flatnonzero(picture.any(axis=1))[[0, -1]]


@pytest.mark.parametrize("size", [(28, 28), (20, 33), (9, 12)])
def test_every_letter_is_drawn_white_on_black_and_not_cut(font, size):
    letters = render_letters(font, size)
    assert letters.shape == (62, *size) and letters.dtype == np.uint8
    assert letters.max() > 200 and letters.any(axis=(1, 2)).all()
    assert len({letter.tobytes() for letter in letters}) > 55
    if min(size) > 12:  # of smaller ones letters may be wider by their rounding
        borders = letters.copy()
        borders[:, 1:-1, 1:-1] = 0
        assert borders.max() < 200  # ink may just touch the margin


def test_letters_fill_the_picture_and_stand_on_one_line(font):
    letters = dict(zip(LETTERS, render_letters(font, (40, 40))))
    top, bottom = zip(*map(_rows, letters.values()))
    left, right = zip(*(_rows(letter.T) for letter in letters.values()))
    assert min(top) <= 2 or min(left) <= 2
    assert max(bottom) >= 37 or max(right) >= 37
    lines = {_rows(letters[letter])[1] for letter in "ABEHTXhiknx"}
    assert max(lines) - min(lines) <= 1
    assert _rows(letters["p"])[1] > max(lines) + 3
    assert _rows(letters["x"])[0] > _rows(letters["X"])[0] + 3


def test_letters_stand_in_the_middle(font):
    for letter in render_letters(font, (40, 40)):
        left, right = _rows(letter.T)
        assert abs(left + right - 39) <= 3


def test_a_font_is_named_by_its_family_and_style(font, tmp_path):
    assert read_name(font) == ("Aileron", "Aileron Regular")
    other = write_font(tmp_path / "other.ttf", "Ab Bold")
    assert read_name(other) == ("Ab Bold", "Ab Bold Regular")


@pytest.mark.parametrize(
    ("last", "told"), [("y", "no z$"), ("t", "no uvwxyz$"), ("Z", "no letters$")]
)
def test_a_font_without_some_letters_is_told(tmp_path, last, told):
    font = write_font(tmp_path / "font.ttf", last=ord(last))
    with pytest.raises(UnusableFontError, match=told):
        render_letters(font, (28, 28))


def test_letters_that_vanish_are_told(font, monkeypatch):
    draw = ImageFont.FreeTypeFont.getmask2

    def draw_large_ones(self, text, *args, **options):
        return draw(self, text if self.size > 32 else " ", *args, **options)

    monkeypatch.setattr(ImageFont.FreeTypeFont, "getmask2", draw_large_ones)
    with pytest.raises(UnusableFontError, match="vanish at 7x9"):
        render_letters(font, (7, 9))


def test_a_damaged_file_is_an_error_of_the_system(tmp_path):
    (tmp_path / "font.ttf").write_bytes(b"no font")
    for read in (read_name, lambda path: render_letters(path, (28, 28))):
        with pytest.raises(OSError):
            read(tmp_path / "font.ttf")
