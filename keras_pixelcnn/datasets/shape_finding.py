"""Counts and locates the shapes of a picture, and checks it against its sentence."""

from typing import NamedTuple

import numpy as np

from keras_pixelcnn.datasets.captions import (
    COLORS,
    SHAPES,
    SIZES,
    Group,
    Scene,
    shape_mask,
)

_MOST_WRONG = 3
"""Pixels in which a shape may differ from the ideal one."""


class Found(NamedTuple):
    """A shape in a picture; its place is that of its middle."""

    size: str
    color: str
    shape: str
    row: float
    column: float


class Verdict(NamedTuple):
    """The answer to whether a picture shows what its sentence says.

    Attributes:
        kinds: the colours of the shapes and the shapes themselves, and nothing else.
        counts: that, and as many of each, of the right size.
        places: that, and every shape where the sentence wants it.
    """

    kinds: bool
    counts: bool
    places: bool


def find_shapes(image: np.ndarray) -> list[Found | None]:
    """Finds the connected spots of one colour and says which shapes they are.

    Args:
        image: integers 0 and 1, (height, width, 3).

    Returns:
        The shapes, None for a spot that is none of them.
    """
    from scipy import ndimage

    names = {int(np.dot(values, (4, 2, 1))): name for name, values in COLORS.items()}
    found = []
    codes = np.asarray(image, np.int64) @ (4, 2, 1)
    for code in range(1, 8):
        spots, _ = ndimage.label(codes == code, np.ones((3, 3)))
        for index, where in enumerate(ndimage.find_objects(spots), start=1):
            found.append(_name(spots[where] == index, where, names.get(code)))
    return found


def _name(
    spot: np.ndarray, where: tuple[slice, slice], color: str | None
) -> Found | None:
    """Names the shape that a spot is nearest to, None where it is near none."""
    if color is None:
        return None
    best, least = None, _MOST_WRONG + 1
    for size, length in SIZES.items():
        if max(abs(length - side) for side in spot.shape) > 1:
            continue
        padded = np.zeros((length + 1, length + 1), bool)
        padded[: spot.shape[0], : spot.shape[1]] = spot
        for shape in SHAPES:
            ideal = np.pad(shape_mask(shape, length), (0, 1))
            wrong = int(np.count_nonzero(padded != ideal))
            if wrong < least:
                best, least = (size, shape), wrong
    if best is None:
        return None
    row, column = ((side.start + side.stop - 1) / 2 for side in where)
    return Found(best[0], color, best[1], row, column)


def check(scene: Scene, image: np.ndarray) -> Verdict:
    """Checks whether a picture shows a scene.

    Args:
        scene: what its sentence says.
        image: integers 0 and 1, (height, width, 3).
    """
    found = find_shapes(image)
    wanted = {(group.color, group.shape) for group in scene.groups}
    kinds = {each and (each.color, each.shape) for each in found} == wanted
    counts = kinds and all(
        [each.size for each in _members(found, group)] == [group.size] * group.count
        for group in scene.groups
    )
    return Verdict(kinds, counts, counts and _stand_right(scene, found))


def _members(found: list[Found], group: Group) -> list[Found]:
    kind = group.color, group.shape
    return [each for each in found if (each.color, each.shape) == kind]


def _stand_right(scene: Scene, found: list[Found]) -> bool:
    if scene.relation is None:
        return True
    first, second = (_members(found, group) for group in scene.groups)
    axis = "row" if scene.relation in ("above", "below") else "column"
    before, after = (
        [getattr(each, axis) for each in members] for members in (first, second)
    )
    if scene.relation in ("right of", "below"):
        before, after = after, before
    return max(before) < min(after)
