"""Line charts in SVG, which need no script: values are told where the pointer is."""

from trainers.report_page import chart_frame, wording
from trainers.report_page.chart_frame import BOTTOM, TOP, Chart, Frame, Mark, Series
from trainers.report_page.hovers import hovers
from trainers.report_page.markup import Element, tag

_LINE_HEIGHT, _LETTER = 15, 7


def draw(
    chart: Chart,
    width: int,
    height: int,
    *,
    with_values: bool = False,
    css_class: str | None = None,
) -> Element:
    """Draws a chart.

    Args:
        chart: with at least one series of at least one point.
        width: of the drawing, in units of which a letter is about 12 high.
        height: likewise.
        with_values: whether values stand beside the names at the lines' ends.
        css_class: the SVG element's class. Default: none.
    """
    names = [name for name, _, _, _ in _ends_named(chart, with_values)]
    ticks = [wording.short(tick) for tick in chart.values.ticks]
    frame = Frame(
        chart,
        width,
        height,
        left=max(46, 14 + _LETTER * max(map(len, ticks))),
        right=24 + _LETTER * max(map(len, names)) if any(names) else 16,
    )
    return tag(
        "svg",
        *_value_axis(frame),
        *_step_axis(frame),
        *[_level(frame, mark) for mark in chart.marks],
        _window(frame, [x for series in chart.series for x in _line(frame, series)]),
        *_ends(frame),
        *_names(frame, _ends_named(chart, with_values)),
        tag("g", *hovers(frame), class_="hovers"),
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=chart.label,
        class_=css_class,
        xmlns="http://www.w3.org/2000/svg",
    )


def _value_axis(frame: Frame) -> list[Element]:
    items = []
    for tick in frame.chart.values.ticks:
        y, right = frame.y(tick), frame.width - frame.right
        items.append(chart_frame.rule(frame.left, y, right, y, "grid"))
        items.append(
            chart_frame.text(frame.left - 7, y + 4, wording.short(tick), "tick end")
        )
    return items


def _step_axis(frame: Frame) -> list[Element]:
    base = frame.height - BOTTOM
    items = [chart_frame.text(frame.left - 7, base + 18, "step", "unit end")]
    if frame.chart.epoch_of:
        items.append(chart_frame.text(frame.left - 7, base + 34, "epoch", "unit end"))
    for tick in frame.chart.steps.ticks:
        x = frame.x(tick)
        items.append(chart_frame.rule(x, base, x, base + 4, "axis"))
        items.append(chart_frame.text(x, base + 18, wording.short(tick), "tick middle"))
        if frame.chart.epoch_of:
            epoch = wording.short(round(frame.chart.epoch_of(tick), 1))
            items.append(chart_frame.text(x, base + 34, epoch, "tick middle soft"))
    items.append(
        chart_frame.rule(frame.left, base, frame.width - frame.right, base, "axis")
    )
    return items


def _level(frame: Frame, mark: Mark) -> Element:
    y = frame.y(mark.value)
    return chart_frame.rule(frame.left, y, frame.width - frame.right, y, "level")


def _line(frame: Frame, series: Series) -> list[Element]:
    places = [(frame.x(p.step), frame.y(p.value)) for p in series.points]
    items = []
    if any(p.low < p.high for p in series.points):
        above = [(frame.x(p.step), frame.y(p.high)) for p in series.points]
        below = [(frame.x(p.step), frame.y(p.low)) for p in reversed(series.points)]
        outline = _path(above + below)
        items.append(tag("polygon", points=outline, class_=f"range {series.colour}"))
    if len(places) > 1:
        line = tag("polyline", points=_path(places), class_=f"line {series.colour}")
        items.append(line)
    return items


def _window(frame: Frame, items: list[Element]) -> Element:
    """Cuts off what lies outside the axes."""
    left, top = frame.left - 2, TOP - 2  # so that a line on the edge keeps its breadth
    width = frame.width - frame.right - frame.left + 4
    height = frame.height - BOTTOM - TOP + 4
    box = {"x": left, "y": top, "width": width, "height": height}
    return tag("svg", *items, **box, viewBox=f"{left} {top} {width} {height}")


def _ends(frame: Frame) -> list[Element]:
    ends = [(series, series.points[-1]) for series in frame.chart.series]
    return [
        chart_frame.dot(
            frame.x(p.step), frame.inside(p.value), 3, f"dot {series.colour}"
        )
        for series, p in ends
    ]


def _path(places: list[tuple[float, float]]) -> str:
    return " ".join(f"{chart_frame.short(x)},{chart_frame.short(y)}" for x, y in places)


def _ends_named(chart: Chart, with_values: bool) -> list[tuple[str, str, float, float]]:
    """Name, class, step and value of each line's end that has a name."""
    ends = [(x.name, x.colour, x.points[-1], x.last) for x in chart.series if x.name]
    named = [
        (_named(name, last, with_values), colour, end.step, end.value)
        for name, colour, end, last in ends
    ]
    for mark in chart.marks:
        name = _named(mark.name, mark.value, with_values)
        named.append((name, "marked", chart.steps.high, mark.value))
    return named


def _named(name: str, value: float, with_values: bool) -> str:
    return f"{name} {wording.short(value)}" if with_values else name


def _names(frame: Frame, ends: list[tuple[str, str, float, float]]) -> list[Element]:
    """The lines' names at their ends, moved apart where they would touch."""
    ends = sorted(ends, key=lambda end: -end[3])
    ys = [frame.inside(value) for *_, value in ends]
    places = spread_out(ys, _LINE_HEIGHT, frame.height - BOTTOM)
    x = frame.width - frame.right
    items = []
    for (name, colour, step, _), y, place in zip(ends, ys, places, strict=True):
        start = frame.x(step) + 4
        items.append(chart_frame.rule(start, y, x + 11, place, f"leader {colour}"))
        items.append(chart_frame.text(x + 14, place + 4, name, f"name {colour}"))
    return items


def spread_out(places: list[float], distance: float, most: float) -> list[float]:
    """Moves rising places apart, as little as a simple way does, none beyond `most`."""
    moved = []
    for place in places:
        moved.append(max(place, moved[-1] + distance) if moved else place)
    limit = most
    for i in reversed(range(len(moved))):
        moved[i] = min(moved[i], limit)
        limit = moved[i] - distance
    return moved
