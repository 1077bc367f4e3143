"""What kind of thing an argument is."""

import numbers
from typing import Any


def is_integer(value: Any, least: int | None = None) -> bool:
    """Whether a value is an integer, of Python or NumPy; `True` and `False` are none.

    Args:
        value: anything.
        least: the smallest integer that counts. Default: all count.
    """
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        return False
    return least is None or value >= least


def is_share(value: Any) -> bool:
    """Whether a value is a real number in [0, 1)."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_number and 0 <= value < 1
