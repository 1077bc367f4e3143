"""Levels of a model as values of a picture and back; alpha, luma and masks."""

from typing import Any

import numpy as np


def to_pixels(levels: np.ndarray, num_levels: int, bits: int = 8) -> np.ndarray:
    """Stretches levels to the whole range of a picture's values.

    Args:
        levels: integers in `[0, num_levels)` of any shape.
        num_levels: how many values a pixel can take.
        bits: of a value of the picture, 8 or 16. Defaults to `8`.

    Returns:
        The nearest of 0 to 2**bits - 1: `uint8` or `uint16` of the same shape.
    """
    stretched = np.rint(levels * (_largest(bits) / (num_levels - 1)))
    return stretched.astype(f"uint{bits}")


def to_levels(pixels: np.ndarray, num_levels: int, bits: int = 8) -> np.ndarray:
    """Rounds a picture's values to the nearest levels, which undoes `to_pixels`.

    Args:
        pixels: integers in `[0, 2**bits)` of any shape.
        num_levels: how many values a pixel can take; at most 2**bits, lest different
            levels become one.
        bits: of a value of the picture, 8 or 16. Defaults to `8`.

    Returns:
        `int32` of the same shape, in `[0, num_levels)`.
    """
    return np.rint(pixels * ((num_levels - 1) / _largest(bits))).astype(np.int32)


def _largest(bits: int) -> int:
    return 2**bits - 1


# The functions below take NumPy arrays and tensors alike, so that programs and served
# graphs give the same numbers. All values are int64.


def over_white(values: Any, alpha: Any, largest: int) -> Any:
    """Lays colours over white, rounded to the nearest value.

    Args:
        values: int64 in [0, `largest`].
        alpha: the same, 0 where the picture is transparent.
        largest: value of white, at most 65,535.
    """
    return (values * alpha + largest * (largest - alpha) + largest // 2) // largest


def luma(red: Any, green: Any, blue: Any) -> Any:
    """Computes ITU-R 601 luma, rounded to the nearest value."""
    return (19595 * red + 38470 * green + 7471 * blue + 32768) // 65536


MASK_RULE = (
    "must be black and white, white where pixels are known, black or transparent where "
    "they are not: each value within a quarter of the full scale from 0 or from the "
    "full scale, and values at both ends unless all are exactly at one"
)
"""So a mask of 0 and 1, or one in shades, is not taken for one that keeps nothing."""


def is_white(values: Any, largest: int) -> Any:
    """Tells where the values of a mask are white, bool of the same shape."""
    return 4 * values >= 3 * largest


def is_shade(values: Any, largest: int) -> Any:
    """Tells where the values of a mask are neither black nor white."""
    return (4 * values > largest) & (4 * values < 3 * largest)


def are_ends(lowest: Any, highest: Any, largest: int) -> Any:
    """Tells whether the extremes of masks are black and white, or all at one end."""
    both = (4 * lowest <= largest) & (4 * highest >= 3 * largest)
    return both | (highest == 0) | (lowest == largest)
