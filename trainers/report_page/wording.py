"""Numbers and other values as the page writes them."""

import json
import re
from typing import Any

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_MOST = 1e300
"""Beyond it, differences would overflow."""

MISSING = "\N{EN DASH}"


def finite(value: Any) -> float | None:
    """The value as a float; None when it is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # an integer beyond all floats
        return None
    return number if abs(number) < _MOST else None  # nor is what is no number


def bits(value: Any) -> str:
    """Bits per dimension, four digits after the point."""
    number = finite(value)
    return MISSING if number is None else f"{number:.4f}"


def short(value: Any) -> str:
    """A number in at most four significant digits."""
    number = finite(value)
    if number is None:
        return MISSING
    if abs(number) >= 1e4:
        if abs(number) < 1e9:
            return f"{number:,.0f}"
    text = f"{number:.4g}"
    return re.sub(r"e([+-])0*", lambda found: "e" + found[1].strip("+"), text)


def count(value: Any) -> str:
    """A whole number, thousands apart."""
    number = finite(value)
    return MISSING if number is None else f"{number:,.0f}"


def epoch(value: Any) -> str:
    """An epoch, which may be a part of one."""
    number = finite(value)
    if number is None:
        return MISSING
    return f"{round(number, 2 if number < 10 else 1):,.10g}"


def duration(value: Any) -> str:
    """Seconds in the two largest units that they fill."""
    seconds = finite(value)
    if seconds is None or seconds < 0:
        return MISSING
    if seconds < _MINUTE:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"
    seconds = round(seconds)
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min {seconds % _MINUTE} s"
    minutes = round(seconds / _MINUTE)
    if seconds < _DAY:
        return f"{minutes // 60} h {minutes % 60} min"
    hours = round(seconds / _HOUR)
    return f"{hours // 24} d {hours % 24} h"


def setting(value: Any) -> str:
    """A config's value: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def shape(value: Any) -> str | None:
    """An image's shape, as 8x8x1; None when it is none."""
    if isinstance(value, list | tuple) and value:
        return "×".join(str(size) for size in value)  # noqa: RUF001
    return None


def plural(number: int, noun: str) -> str:
    """The number and the noun, which ends in s unless there is one."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
