"""Pictures of coloured shapes with sentences that say what they show.

All is drawn here, so that what a sentence says can be checked in any picture by a
program: `keras_pixelcnn.datasets.shape_finding` counts and locates the shapes.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_pixelcnn.datasets.image_format import ImageFormat

IMAGE_SHAPE = (20, 20, 3)
NUM_LEVELS = 2

COLORS = {
    "red": (1, 0, 0),
    "green": (0, 1, 0),
    "cyan": (0, 1, 1),
    "yellow": (1, 1, 0),
    "pink": (1, 0, 1),
    "white": (1, 1, 1),
}
"""Colours by name, on black.

No colour lights up the last channel alone. A model draws a shape in the first channel
that its colour has, and the channels after it copy that; what a shape looks like is
thus learned once a channel. Pure blue would be alone in its channel, and a shape that
no training picture shows in blue could not come out there.
"""

SIZES = {"small": 5, "large": 7}
"""Height and width of a shape in pixels, by name."""

SHAPES = ("square", "circle", "triangle", "cross")

HELD_OUT = frozenset(
    [("red", "triangle"), ("cyan", "circle"), ("yellow", "cross"), ("white", "square")]
)
"""Colours of shapes that no training picture shows; each test picture shows one."""

RELATIONS = ("left of", "right of", "above", "below")

SPLITS = {"train": 50_000, "validation": 1_000, "test": 1_000}
"""Number of examples."""

_NUMBERS = ("a", "two", "three")
_MOST = {"small": 3, "large": 2}
_TEMPLATES = {
    1: ("{0}", "there {verb} {0}", "a picture of {0}"),
    2: ("{0} {relation} {1}", "{0} {verb} {relation} {1}", "{1} and {relation} it {0}"),
}


class Group(NamedTuple):
    """Shapes that are alike."""

    count: int  # type: ignore[assignment]  # a method of tuples has the name
    size: str
    color: str
    shape: str

    @property
    def phrase(self) -> str:
        """The words for the group in a sentence, as "two small red circles"."""
        plural = "" if self.count == 1 else "es" if self.shape == "cross" else "s"
        number = _NUMBERS[self.count - 1]
        return f"{number} {self.size} {self.color} {self.shape}{plural}"


class Scene(NamedTuple):
    """The content of a picture: one group, or one in its relation to another."""

    groups: tuple[Group, ...]
    relation: str | None
    caption: str


def vocabulary() -> list[str]:
    """Returns all words of all captions, sorted."""
    phrases = [
        Group(count, size, color, shape).phrase
        for count in (1, 2, 3)
        for size in SIZES
        for color in COLORS
        for shape in SHAPES
    ]
    templates = [
        template.format("", "", relation="", verb="is are")
        for own in _TEMPLATES.values()
        for template in own
    ]
    return sorted(set(" ".join([*phrases, *templates, *RELATIONS]).split()))


def read(split: str, image_format: ImageFormat) -> tf.data.Dataset:
    """Draws the examples of one split, always the same ones.

    Args:
        split: "train", "validation" or "test"; the test split shows the combinations of
            `HELD_OUT`, the others never do.
        image_format: what the images shall look like.

    Returns:
        Single examples: {"image": (h, w, c), "label": -1, "caption": string}.

    Raises:
        ValueError: if `split` is another name, or asks for too many levels.
    """
    image_format.check_levels(NUM_LEVELS)
    if split not in SPLITS:
        raise ValueError(
            f"Split must be one of {', '.join(SPLITS)}. Received: {split!r}"
        )
    images, scenes = _whole_split(split)
    labels = np.full(len(images), -1, np.int64)
    examples = image_format.examples(images, labels, NUM_LEVELS)
    captions = tf.data.Dataset.from_tensor_slices([scene.caption for scene in scenes])
    return tf.data.Dataset.zip(examples, captions).map(
        lambda example, caption: {**example, "caption": caption}
    )


@functools.cache  # a run reads its training split several times
def _whole_split(split: str) -> tuple[np.ndarray, list[Scene]]:
    return make_examples(split, SPLITS[split])


def make_examples(split: str, count: int) -> tuple[np.ndarray, list[Scene]]:
    """Draws examples of a split.

    Args:
        split: see `read`.
        count: how many. The first ones of a larger count are the same.

    Returns:
        uint8 images (count, 20, 20, 3) of values 0 and 1, and what each shows.
    """
    place = list(SPLITS).index(split)
    images, scenes = [], []
    for index in range(count):
        generator = np.random.Generator(
            np.random.Philox(np.random.SeedSequence([place, index]))
        )
        scenes.append(make_scene(generator, held_out=split == "test"))
        images.append(render(scenes[-1], generator))
    return np.stack(images), scenes


def make_scene(generator: np.random.Generator, held_out: bool) -> Scene:
    """Thinks of a scene and of a sentence for it.

    Args:
        generator: what chance comes from.
        held_out: whether it shows a combination of `HELD_OUT`, or none.
    """
    groups: list[Group] = []
    for place in range(generator.integers(1, 3)):
        special = held_out and place == 0
        groups.append(_make_group(generator, special, groups))
    if len(groups) == 2 and generator.random() < 0.5:
        groups.reverse()
    relation = str(generator.choice(RELATIONS)) if len(groups) == 2 else None
    template = str(generator.choice(_TEMPLATES[len(groups)]))
    phrases = [group.phrase for group in groups]
    verb = "is" if groups[0].count == 1 else "are"
    caption = template.format(*phrases, relation=relation, verb=verb)
    return Scene(tuple(groups), relation, caption)


def _make_group(
    generator: np.random.Generator, special: bool, others: Sequence[Group]
) -> Group:
    """Makes a group, special or not, of another colour and shape than others."""
    while True:
        size = str(generator.choice(list(SIZES)))
        group = Group(
            int(generator.integers(1, _MOST[size] + 1)),
            size,
            str(generator.choice(list(COLORS))),
            str(generator.choice(SHAPES)),
        )
        known = ((other.color, other.shape) for other in others)
        kind = group.color, group.shape
        if (kind in HELD_OUT) == special and kind not in known:
            return group


def render(scene: Scene, generator: np.random.Generator) -> np.ndarray:
    """Draws a scene, with its shapes anywhere that the sentence allows.

    Args:
        scene: what to show.
        generator: what chance comes from.

    Returns:
        uint8 (20, 20, 3), of values 0 and 1. No two shapes touch.
    """
    while True:
        image = _try_to_render(scene, generator)
        if image is not None:
            return image


def _try_to_render(scene: Scene, generator: np.random.Generator) -> np.ndarray | None:
    """Draws a picture; returns None where the shapes found no room."""
    image = np.zeros(IMAGE_SHAPE, np.uint8)
    taken = np.zeros(IMAGE_SHAPE[:2], bool)
    for place, group in enumerate(scene.groups):
        rows, columns = _room(scene.relation, place)
        size = SIZES[group.size]
        for _ in range(group.count):
            for _ in range(20):
                row = int(generator.integers(rows[0], rows[1] - size + 1))
                column = int(generator.integers(columns[0], columns[1] - size + 1))
                around = slice(max(row - 1, 0), row + size + 1)
                beside = slice(max(column - 1, 0), column + size + 1)
                if not taken[around, beside].any():
                    break
            else:
                return None
            where = slice(row, row + size), slice(column, column + size)
            taken[where] = True
            image[where][shape_mask(group.shape, size)] = COLORS[group.color]
    return image


def _room(relation: str | None, place: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Returns the first and last row and column of a group's shapes."""
    height, width, _ = IMAGE_SHAPE
    everywhere = (0, height), (0, width)
    if relation is None:
        return everywhere
    first = relation in ("left of", "above")
    half = height // 2 if relation in ("above", "below") else width // 2
    side = (0, half) if first == (place == 0) else (half, 2 * half)
    if relation in ("above", "below"):
        return side, everywhere[1]
    return everywhere[0], side


def shape_mask(shape: str, size: int) -> np.ndarray:
    """Returns the pixels of a shape, bool (size, size).

    Args:
        shape: one of `SHAPES`.
        size: odd, at least 5.
    """
    offsets = np.abs(np.arange(size) - size // 2)
    rows, columns = offsets[:, np.newaxis], offsets[np.newaxis]
    if shape == "square":
        return np.ones((size, size), bool)
    if shape == "circle":
        return rows**2 + columns**2 <= (size // 2 + 0.5) ** 2 - 1
    if shape == "cross":
        return np.minimum(rows, columns) < size // 4
    return columns <= np.arange(size)[:, np.newaxis] / 2
