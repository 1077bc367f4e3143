"""Train, validation and test splits of sources that have none."""

import hashlib
from collections.abc import Sequence

import numpy as np

PARTS = ("train", "validation", "test")
SPLITS = (*PARTS, "all")

# Belongs to the data, not to a run: with another number every split would change.
_SPLIT_SEED = 1606


def check(split: str) -> None:
    """Raises ValueError if `split` is none of `SPLITS`."""
    if split not in SPLITS:
        raise ValueError(
            f"`split` must be one of {', '.join(map(repr, SPLITS))} for this source, "
            f"received {split!r}."
        )


def by_name(name: str) -> str:
    """Assigns a name to a split, whatever other names there are.

    Args:
        name: of what must not be divided, such as a family of fonts.

    Returns:
        "train" for 8 of 10 names, "validation" and "test" for one each.
    """
    tenth = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % 10
    return {8: "validation", 9: "test"}.get(tenth, "train")


def choose(split: str, count: int, parts: Sequence[str] = PARTS) -> np.ndarray:
    """Picks the examples of one split of a fixed permutation.

    Validation and test have 10 percent each, training the rest. "all" is the parts one
    after the other. The order is the permutation's, so that neighbours in the source,
    say the images of one class, lie apart.

    Args:
        split: "train", "validation", "test" or "all".
        count: number of examples in the source.
        parts: splits among which the source is divided, "train" first. Default: all
            three.

    Returns:
        Indices into the source, an int64 array with values in [0, `count`).

    Raises:
        ValueError: if `split` is another name, or if it would be empty.
    """
    check(split)
    first, last = 0, 10
    if split != "all":
        last = 11 - len(parts) + parts.index(split)
        first = 0 if split == parts[0] else last - 1
    start, stop = count * first // 10, count * last // 10
    if start == stop:
        raise ValueError(
            f"Split {split!r} is empty: there are only {count} images to divide. "
            "Use split='all' or more images."
        )
    # RandomState and not the newer Generator: only its stream is frozen for good.
    return np.random.RandomState(_SPLIT_SEED).permutation(count)[start:stop]
