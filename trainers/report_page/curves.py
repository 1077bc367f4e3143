"""The curves of a run: what each shows, and in which frame."""

import bisect
import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from trainers.report_page import scales, wording
from trainers.report_page.chart_frame import Chart, Mark, Point, Series
from trainers.report_page.history import History
from trainers.report_page.scales import Scale

_MOST_POINTS = 240
_STEP_TICKS, _VALUE_TICKS = 6, 6
_EARLY = 0.05
"""Share of the run whose bits/dim, far above all others, may lie outside the frame."""
_FEW = 100
"""Points that are too few for any to be left out."""

BITS = (
    ("train", "train_bits_per_dim", "train"),
    ("validation", "validation_bits_per_dim", "validation"),
    ("EMA", "validation_ema_bits_per_dim", "ema"),
)
OTHERS = (
    ("Learning rate", "learning_rate", False),
    ("Gradient norm", "gradient_norm", True),
    ("Images per second", "images_per_second", False),
)
"""Title, name in the history, and whether the axis may be logarithmic."""


class Curve(NamedTuple):
    """A chart with what stands above and below it; no chart where nothing is known."""

    title: str
    chart: Chart | None
    note: str = ""


def bits_curve(history: History, marks: tuple[Mark, ...]) -> Curve:
    """Bits/dim on train, validation and EMA.

    Args:
        history: of the run.
        marks: levels to draw beside them.
    """
    lines = [(name, colour, history.points(key)) for name, key, colour in BITS]
    lines = [line for line in lines if line[2]]
    if not lines:
        return Curve("Bits per dimension", None)
    points = [point for _, _, line in lines for point in line]
    top = _top(points)
    values = [value for _, value in points if value <= top]
    values += [mark.value for mark in marks]
    scale = scales.linear(min(values), max(values), _VALUE_TICKS)
    notes = [_thinned_note(max(len(line) for _, _, line in lines))]
    if marks:
        notes.append("The paper's: its own model's bits/dim on the test split.")
    notes.append(_beyond_note(points, scale))
    series = [_series(*line) for line in lines]
    chart = _chart("Bits per dimension by step", series, scale, history, marks)
    return Curve("Bits per dimension", chart, " ".join(filter(None, notes)))


def validation_curves(
    histories: Mapping[str, History], colours: Mapping[str, str]
) -> Curve:
    """Validation bits/dim of several runs, of the averaged weights where there are any.

    Args:
        histories: of the runs, by name.
        colours: class of each run's line, by name.
    """
    title, lines = "Validation bits per dimension", []
    for name, history in histories.items():
        averaged = history.points("validation_ema_bits_per_dim")
        points = averaged or history.points("validation_bits_per_dim")
        if points:
            lines.append((name, colours[name], points))
    if not lines:
        return Curve(title, None)
    points = sorted(point for _, _, line in lines for point in line)
    top = _top(points)
    values = [value for _, value in points if value <= top]
    scale = scales.linear(min(values), max(values), _VALUE_TICKS)
    longest = max(histories.values(), key=lambda history: history.last("step") or 0.0)
    series = [_series(*line) for line in lines]
    chart = _chart(f"{title} by step", series, scale, longest)
    return Curve(title, chart, _beyond_note(points, scale))


def other_curves(history: History) -> list[Curve]:
    """The curves of one line each."""
    curves = []
    for title, key, may_be_logarithmic in OTHERS:
        points = history.points(key)
        if not points:
            curves.append(Curve(title, None))
            continue
        values = [value for _, value in points]
        scale = _scale(values, may_be_logarithmic)
        line = _series("", "only", points)
        note = _thinned_note(len(points))
        if scale.logarithmic:
            note = f"Logarithmic. {note}".strip()
        curves.append(
            Curve(title, _chart(f"{title} by step", [line], scale, history), note)
        )
    return curves


def _series(name: str, colour: str, points: list[tuple[float, float]]) -> Series:
    return Series(name, colour, thin(points), last=points[-1][1])


def thin(points: list[tuple[float, float]], most: int = _MOST_POINTS) -> list[Point]:
    """At most so many points: means of neighbours, with their ranges."""
    each = math.ceil(len(points) / most)
    groups = [points[i : i + each] for i in range(0, len(points), each)]
    thinned = []
    for group in groups:
        values = [value for _, value in group]
        mean = sum(values) / len(values)
        thinned.append(Point(group[-1][0], mean, min(values), max(values)))
    return thinned


def _thinned_note(num_points: int) -> str:
    each = math.ceil(num_points / _MOST_POINTS)
    if each == 1:
        return ""
    return f"A point is the mean of {each} entries, the shade their range."


def _beyond_note(points: list[tuple[float, float]], scale: Scale) -> str:
    beyond = max(value for _, value in points)
    if beyond <= scale.high:
        return ""
    return f"The first values, up to {wording.short(beyond)}, lie above the frame."


def _top(points: list[tuple[float, float]]) -> float:
    """The greatest value to be shown: all, unless the first ones dwarf the others."""
    first, last = min(points)[0], max(points)[0]
    late = [v for step, v in points if step > first + _EARLY * (last - first)]
    everything = [value for _, value in points]
    if len(points) < _FEW or not late:
        return max(everything)
    low, high = min(everything), max(late)
    return high if max(everything) - low > 2.5 * (high - low) > 0 else max(everything)


def _scale(values: list[float], may_be_logarithmic: bool) -> Scale:
    positive = [value for value in values if value > 0]
    if may_be_logarithmic and positive and max(positive) > 50 * min(positive):
        return scales.logarithmic(min(positive), max(positive), _VALUE_TICKS)
    return scales.linear(min(0.0, *values), max(values), _VALUE_TICKS - 1)


def _chart(
    label: str,
    series: list[Series],
    values: Scale,
    history: History,
    marks: tuple[Mark, ...] = (),
) -> Chart:
    last = history.rows[-1]["step"]
    first = min(0.0, history.rows[0]["step"])
    steps = scales.linear(first, last, _STEP_TICKS, rounded=False)
    described = "; ".join(
        f"{line.name or 'last value'} {wording.short(line.last)}" for line in series
    )
    label = f"{label}. At the end: {described}."
    return Chart(label, series, steps, values, epoch_finder(history), marks)


def epoch_finder(history: History) -> Callable[[float], float] | None:
    """A function that tells the epoch of a step; None when no epoch is known."""
    known = history.points("epoch")
    if not known:
        return None
    steps, epochs = map(list, zip((0.0, 0.0), *known, strict=True))

    def epoch_of(step: float) -> float:
        after = min(max(bisect.bisect_left(steps, step), 1), len(steps) - 1)
        before = after - 1
        length = steps[after] - steps[before]
        share = (step - steps[before]) / length if length else 1.0
        return epochs[before] + share * (epochs[after] - epochs[before])

    return epoch_of
