"""What a chart shows, the frame it is drawn in, and the strokes it is drawn with."""

from collections.abc import Callable
from typing import NamedTuple

from trainers.report_page.markup import Element, tag
from trainers.report_page.scales import Scale

BOTTOM, TOP = 44, 14
"""Margins, in units of which a letter is about 12 high."""


class Point(NamedTuple):
    """A value at a step; a mean, where it stands for several, with their range."""

    step: float
    value: float
    low: float
    high: float


class Series(NamedTuple):
    """A line: its name, the class that colours it, its points by step.

    `last` is the last value itself, where the last point is a mean.
    """

    name: str
    colour: str
    points: list[Point]
    last: float


class Mark(NamedTuple):
    """A level to compare with."""

    name: str
    value: float


class Chart(NamedTuple):
    """What is drawn, in which frame.

    `epoch_of` tells the epoch of a step, where epochs are known.
    """

    label: str
    series: list[Series]
    steps: Scale
    values: Scale
    epoch_of: Callable[[float], float] | None = None
    marks: tuple[Mark, ...] = ()


class Frame(NamedTuple):
    """Where a chart's values stand in a drawing of some size."""

    chart: Chart
    width: int
    height: int
    left: int  # margin for the ticks
    right: int  # margin for the lines' names

    def x(self, step: float) -> float:
        """The step's place from the left."""
        return self.chart.steps.place(step, self.left, self.width - self.right)

    def y(self, value: float) -> float:
        """The value's place from above, which may lie outside the axes."""
        return self.chart.values.place(value, self.height - BOTTOM, TOP)

    def inside(self, value: float) -> float:
        """The value's y, moved to the frame's edge where it lies beyond."""
        return min(max(self.y(value), TOP), self.height - BOTTOM)


def text(x: float, y: float, words: str, css_class: str) -> Element:
    """Words at a place."""
    return tag("text", words, x=short(x), y=short(y), class_=css_class)


def short(place: float) -> str:
    """A place as the drawing writes it."""
    return f"{place:.1f}".removesuffix(".0")


def rule(x1: float, y1: float, x2: float, y2: float, css_class: str) -> Element:
    """A straight line from one place to another."""
    x1, y1, x2, y2 = map(short, (x1, y1, x2, y2))
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=css_class)


def dot(x: float, y: float, radius: float, css_class: str) -> Element:
    """A filled circle."""
    return tag("circle", cx=short(x), cy=short(y), r=radius, class_=css_class)
