"""The columns of a chart that tell their values to a pointer."""

import itertools

from trainers.report_page import chart_frame, wording
from trainers.report_page.chart_frame import BOTTOM, TOP, Frame, Point, Series
from trainers.report_page.markup import Element, tag


def hovers(frame: Frame) -> list[Element]:
    """A column for each step, which tells its values to a pointer."""
    at: dict[float, list[tuple[Series, Point]]] = {}
    for series in frame.chart.series:
        for point in series.points:
            at.setdefault(point.step, []).append((series, point))
    steps = sorted(at)
    xs = [frame.x(step) for step in steps]
    edges = [
        frame.left,
        *((a + b) / 2 for a, b in itertools.pairwise(xs)),
        frame.width - frame.right,
    ]
    items = []
    for i, step in enumerate(steps):
        column = tag(
            "rect",
            x=chart_frame.short(edges[i]),
            y=TOP,
            width=chart_frame.short(max(edges[i + 1] - edges[i], 1)),
            height=frame.height - BOTTOM - TOP,
        )
        dots = [
            chart_frame.dot(xs[i], frame.inside(p.value), 4, s.colour)
            for s, p in at[step]
        ]
        rule = chart_frame.rule(xs[i], TOP, xs[i], frame.height - BOTTOM, "pointer")
        items.append(
            tag("g", tag("title", _told(frame, step, at[step])), column, rule, *dots)
        )
    return items


def _told(frame: Frame, step: float, values: list[tuple[Series, Point]]) -> str:
    epoch = frame.chart.epoch_of
    head = f"step {wording.count(step)}"
    if epoch:
        head += f", epoch {wording.epoch(epoch(step))}"
    lines = [f"{s.name} {wording.short(p.value)}".strip() for s, p in values]
    return "\n".join([head, *lines])
