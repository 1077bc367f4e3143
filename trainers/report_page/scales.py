"""Axes: from values to places, and the round values that are written beside them."""

import math
from typing import NamedTuple


class Scale(NamedTuple):
    """Maps values of [low, high] to places between start and end.

    Attributes:
        low: least value, above 0 where logarithmic.
        high: greatest value, above `low`.
        ticks: round values within.
        logarithmic: whether equal factors, and not differences, are equally far apart.
    """

    low: float
    high: float
    ticks: list[float]
    logarithmic: bool = False

    def place(self, value: float, start: float, end: float) -> float:
        """Where the value stands."""
        low, high = self.low, self.high
        if self.logarithmic:
            value, low, high = (math.log(x) for x in (max(value, low), low, high))
        return start + (value - low) / (high - low) * (end - start)


def linear(low: float, high: float, most_ticks: int, rounded: bool = True) -> Scale:
    """A linear scale.

    Args:
        low: least value.
        high: greatest value; the same as `low` is widened.
        most_ticks: about how many ticks there may be.
        rounded: whether the ends move out to the next ticks. Default True.
    """
    if high - low <= max(1e-12 * max(abs(low), abs(high)), 1e-300):
        margin = max(abs(low), abs(high)) * 0.05
        margin = margin if margin > 1e-300 else 1.0
        low, high = low - margin, high + margin
    step = _round_step((high - low) / max(most_ticks - 1, 1))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if rounded:
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        low, high = first * step, last * step
    ticks = [_tidy(i * step, step) for i in range(first, last + 1)]
    return Scale(low, high, ticks)


def logarithmic(low: float, high: float, most_ticks: int) -> Scale:
    """A logarithmic scale, whose ticks are powers of ten or, for few, halves between.

    Args:
        low: least value, above 0.
        high: greatest value.
        most_ticks: how many ticks there may be.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    last = max(last, first + 1)
    every = math.ceil((last - first + 1) / most_ticks)
    ticks = [10.0**power for power in range(first, last + 1, every)]
    if 2 * len(ticks) <= most_ticks:
        ticks = sorted([*ticks, *(3.0 * tick for tick in ticks[:-1])])
    return Scale(10.0**first, 10.0**last, ticks, logarithmic=True)


def _round_step(least: float) -> float:
    """The next number that is 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(f * power for f in (1, 2, 5, 10) if f * power >= least * (1 - 1e-9))


def _tidy(value: float, step: float) -> float:
    """Without the digits that adding floats leaves behind."""
    digits = max(0, 2 - math.floor(math.log10(step)))
    return round(value, digits) + 0.0  # no -0.0
