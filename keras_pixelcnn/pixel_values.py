"""Levels of a model as values of a picture, and back."""

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
    """The nearest levels of a picture's values, which undoes `to_pixels`.

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
