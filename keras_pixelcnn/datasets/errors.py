"""What can go wrong beyond a wrong argument."""

_MOST_NAMES = 10


def shorten(names: list[str]) -> str:
    """The first names, and how many more there are, for a sentence."""
    more = len(names) - _MOST_NAMES
    listed = ", ".join(names[:_MOST_NAMES])
    return f"{listed} and {more} more" if more > 0 else listed


class DatasetUnavailableError(RuntimeError):
    """The dataset is known, but its data is neither here nor to be had."""


class DamagedImageError(ValueError):
    """An image file could not be read."""
