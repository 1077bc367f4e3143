"""Tests of pictures with sentences, and of the program that checks them."""

import numpy as np
import pytest

from keras_pixelcnn.datasets import captions, shape_finding
from keras_pixelcnn.datasets.captions import Group, Scene
from keras_pixelcnn.datasets.image_format import ImageFormat


@pytest.fixture(scope="module")
def examples():
    return {split: captions.make_examples(split, 150) for split in captions.SPLITS}


def kinds(scene):
    return {(group.color, group.shape) for group in scene.groups}


def scene(*groups, relation=None):
    return Scene(tuple(Group(*group) for group in groups), relation, "")


def rendered(what):
    return captions.render(what, np.random.default_rng(0))


@pytest.mark.parametrize("split", captions.SPLITS)
def test_every_picture_shows_what_its_sentence_says(examples, split):
    images, scenes = examples[split]
    assert images.shape == (150, *captions.IMAGE_SHAPE) and images.max() == 1
    for image, each in zip(images, scenes):
        assert shape_finding.check(each, image) == (True, True, True), each.caption


def test_only_test_pictures_show_what_is_held_out(examples):
    for split, (_, scenes) in examples.items():
        shown = [bool(kinds(each) & captions.HELD_OUT) for each in scenes]
        assert all(shown) if split == "test" else not any(shown)
    seen = set.union(*(kinds(each) for each in examples["train"][1]))
    for color, shape in captions.HELD_OUT:
        assert color in {kind[0] for kind in seen}
        assert shape in {kind[1] for kind in seen}


def test_the_first_examples_are_always_the_same(examples):
    images, scenes = captions.make_examples("validation", 5)
    np.testing.assert_array_equal(images, examples["validation"][0][:5])
    assert scenes == examples["validation"][1][:5]
    assert scenes != examples["train"][1][:5]


def test_all_words_are_known(examples):
    words = captions.vocabulary()
    assert words == sorted(words) and {"are", "circles", "below"} < set(words)
    for _, scenes in examples.values():
        for each in scenes:
            assert set(each.caption.split()) <= set(words)


def test_sentences_are_english():
    assert Group(1, "small", "red", "cross").phrase == "a small red cross"
    assert Group(2, "large", "cyan", "cross").phrase == "two large cyan crosses"
    generator = np.random.default_rng(0)
    sentences = {captions.make_scene(generator, False).caption for _ in range(500)}
    assert not any("there is t" in each or "there are a" in each for each in sentences)


def test_the_examples_are_a_dataset(monkeypatch):
    monkeypatch.setattr(captions, "SPLITS", {"train": 7, "validation": 3, "test": 3})
    images, scenes = captions.make_examples("train", 7)
    read = list(captions.read("train", ImageFormat()).as_numpy_iterator())
    np.testing.assert_array_equal([each["image"] for each in read], images)
    assert [each["caption"].decode() for each in read] == [
        each.caption for each in scenes
    ]
    with pytest.raises(ValueError, match=r"Split must be one of .*Received: 'all'"):
        captions.read("all", ImageFormat())


# The program that looks at pictures.


def test_a_pixel_too_much_or_too_few_is_forgiven_and_a_blot_is_not():
    picture = rendered(scene((1, "large", "red", "square")))
    rows, columns = np.nonzero(picture[..., 0])
    dented = picture.copy()
    dented[rows[0], columns[0]] = 0
    assert shape_finding.find_shapes(dented)[0][:3] == ("large", "red", "square")
    blot = np.zeros_like(picture)
    blot[3:5, 3:16] = 0, 1, 0
    assert shape_finding.find_shapes(blot) == [None]
    speck = picture.copy()
    speck[0 if rows.min() > 1 else -1, 0] = 1, 1, 1
    assert None in shape_finding.find_shapes(speck)


TRUE = scene(
    (2, "small", "red", "circle"), (1, "large", "cyan", "square"), relation="left of"
)


def with_first(**changes):
    """The same sentence, but of another first group."""
    first, second = TRUE.groups
    return TRUE._replace(groups=(first._replace(**changes), second))


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (TRUE, (True, True, True)),
        (TRUE._replace(relation="right of"), (True, True, False)),
        (TRUE._replace(groups=TRUE.groups[::-1], relation="right of"), (True,) * 3),
        (with_first(count=3), (True, False, False)),
        (with_first(size="large"), (True, False, False)),
        (with_first(color="pink"), (False, False, False)),
        (TRUE._replace(groups=TRUE.groups[:1], relation=None), (False, False, False)),
    ],
)
def test_what_is_not_as_said_is_told(said, verdict):
    assert shape_finding.check(said, rendered(TRUE)) == verdict
