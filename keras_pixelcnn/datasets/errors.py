"""Exceptions of datasets that are missing or damaged."""

from collections.abc import Sequence

_MOST_NAMES = 10


def shorten(names: Sequence[str]) -> str:
    """Lists the first names and counts the rest, for a sentence."""
    more = len(names) - _MOST_NAMES
    listed = ", ".join(names[:_MOST_NAMES])
    return f"{listed} and {more} more" if more > 0 else listed


class DatasetUnavailableError(RuntimeError):
    """Raised when the data of a known dataset cannot be had."""


class DamagedImageError(ValueError):
    """Raised when an image file cannot be read."""
