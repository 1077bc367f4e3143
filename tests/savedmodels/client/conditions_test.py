"""Tests of what the client makes of conditions."""

import numpy as np
import pytest

from keras_pixelcnn.models.base.caption_text import CaptionText
from savedmodels.client.conditions import is_text, label_numbers, word_numbers
from savedmodels.client.errors import InvalidRequestError

WORDS = ["a", "red", "square", "öl", "Öl"]
TEXT = CaptionText(WORDS, 4)
CONDITION = {"shape": [4], "words": TEXT.words, "is_plain": True}
DOCUMENT = {"conditions": {"caption": CONDITION}, "label_names": ["shirt", "7", "hat"]}


@pytest.mark.parametrize(
    "caption",
    [
        "A red, red square!",
        b"a\tred\nsquare\x0b",
        "",
        "[UNK] a",
        ["a-red", "what's red?"],
        np.array([["öl", "Öl"], ["\u00a0a", "ÖL"]]),
    ],
)
def test_words_have_the_numbers_that_the_model_gives_them(caption):
    assert is_text(caption)
    found = word_numbers(caption, DOCUMENT)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, TEXT.ids(caption))


def test_numbers_are_no_text():
    for caption in ([2, 3, 4, 0], np.zeros((2, 4), "i4"), [], None):
        assert not is_text(caption)


def test_what_cannot_be_numbered_is_told():
    with pytest.raises(InvalidRequestError, match=r"at most 4 words.*'a a a a a'"):
        word_numbers(["a", "a a a a a"], DOCUMENT)
    own = {"conditions": {"caption": {**CONDITION, "is_plain": False}}}
    with pytest.raises(InvalidRequestError, match="must be the numbers of words"):
        word_numbers("a", own)


def test_labels_have_the_numbers_of_their_names():
    assert label_numbers("hat", DOCUMENT) == 2
    found = label_numbers([["7", b"shirt"], ["1", "-1"]], DOCUMENT)
    np.testing.assert_array_equal(found, [[1, 0], [1, -1]])
    with pytest.raises(InvalidRequestError, match=r"'shirt', '7', 'hat'.*'shoe'"):
        label_numbers(["shoe"], DOCUMENT)
    for wrong in ("9" * 20, ["hat", None], ["hat", 2.7], b"\xff"):
        with pytest.raises(InvalidRequestError, match="label must be"):
            label_numbers(wrong, DOCUMENT)
    with pytest.raises(
        InvalidRequestError, match=r"must be a number\. Received: 'hat'"
    ):
        label_numbers("hat", {"label_names": None})
