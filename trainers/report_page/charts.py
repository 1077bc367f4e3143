"""The curves of runs, drawn by Matplotlib as SVG that stands inside the page."""

import html
import io
import re
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from trainers.report_page.run_files import History

COLOURS = {
    "accent": "#c2410c",
    "blue": "#1f5fae",
    "green": "#1d6b3a",
    "pink": "#8a2f8f",
    "yellow": "#8a6d00",
    "cyan": "#0b7285",
    "red": "#a3123f",
    "grey": "#6a6f78",
    "violet": "#6b4fa3",
    "soft": "#5d6168",
    "faint": "#e9e6de",
}
"""Variables of the page's style, and what stands for them in Matplotlib."""

_MOST_POINTS = 240
_STYLE = {
    "font.size": 9,
    "font.family": "sans-serif",
    "svg.fonttype": "none",  # letters of the page's own font
    "text.parse_math": False,
}


class Line(NamedTuple):
    """A line's name, a key of `COLOURS`, and its points."""

    name: str
    colour: str
    points: list[tuple[float, float]]


class Chart(NamedTuple):
    """A title, an SVG element (empty where no value is known), and a note."""

    title: str
    svg: str = ""
    note: str = ""


def chart(
    title: str,
    lines: list[Line],
    history: History,
    size: tuple[float, float] = (4.0, 2.7),
    level: float | None = None,
) -> Chart:
    """Draws lines by step and epoch.

    Args:
        title: of the chart.
        lines: those without points are left out.
        history: of a run, which tells the epochs.
        size: width and height; a letter is about 1/8 high.
        level: the paper's result, to compare with.
    """
    lines = [line for line in lines if line.points]
    if not lines:
        return Chart(title)
    notes, everything = [], np.array([x for line in lines for x in line.points])
    each = -(-max(len(line.points) for line in lines) // _MOST_POINTS)
    if each > 1:
        notes.append(f"A point is the mean of {each} entries, the shade their range.")
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": title}):
        figure = Figure(size, layout="constrained")
        axes = figure.add_subplot()
        for name, colour, points in lines:
            steps, values, lows, highs = thin(points)
            label = f"{name} {points[-1][1]:.4g}" if name else None
            marker = "." if len(steps) == 1 else None
            colour = COLOURS[colour]
            axes.plot(steps, values, color=colour, label=label, marker=marker)
            if (lows < highs).any():
                axes.fill_between(
                    steps, lows, highs, color=colour, alpha=0.16, linewidth=0
                )
        if level is not None:
            name = f"the paper's {level:.4g}"
            axes.axhline(level, color=COLOURS["violet"], linestyle=":", label=name)
            notes.append("The paper's: its own model's bits/dim on the test split.")
        top, highest = _top(everything), everything[:, 1].max()
        if top < highest:
            axes.set_ylim(top=top + 0.05 * (top - everything[:, 1].min()))
            notes.append(f"The first values, up to {highest:.4g}, lie above the frame.")
        positive = everything[everything[:, 1] > 0, 1]
        is_norm = title == "Gradient norm" and len(positive)
        if is_norm and positive.max() > 50 * positive.min():
            axes.set_yscale("log")
            notes.append("Logarithmic.")
        _finish(axes, history)
        if lines[0].name:
            axes.legend(frameon=False, labelcolor="linecolor")
        svg = _inline(figure)
    last = "; ".join(f"{x.name or 'last'} {x.points[-1][1]:.4g}" for x in lines)
    label = html.escape(f"{title} by step. At the end: {last}.", quote=True)
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
    return Chart(title, svg, " ".join(notes))


def _top(points: np.ndarray) -> float:
    """Returns the greatest value to show: of all, unless the first ones dwarf them."""
    steps, values = points.T
    late = values[steps > steps.min() + 0.05 * np.ptp(steps)]
    if len(values) < 100 or not len(late):
        return values.max()
    low, high = values.min(), late.max()
    return high if values.max() - low > 2.5 * (high - low) > 0 else values.max()


def thin(points: list[tuple[float, float]]) -> tuple[np.ndarray, ...]:
    """Returns at most 240 steps, each with mean, least and greatest of its entries."""
    steps, values = np.array(points, float).T
    starts = np.arange(0, len(steps), -(-len(steps) // _MOST_POINTS))
    sizes = np.diff(np.append(starts, len(steps)))
    return (
        steps[starts + sizes - 1],
        np.add.reduceat(values / np.repeat(sizes, sizes), starts),
        np.minimum.reduceat(values, starts),
        np.maximum.reduceat(values, starts),
    )


def _finish(axes: Axes, history: History) -> None:
    """Adds the axis of epochs, and gives the frame the page's colours."""
    frames = [axes]
    axes.margins(x=0.01)
    axes.set_xlabel("step", loc="left")
    axes.grid(color=COLOURS["faint"], axis="y")
    step, epoch = history.last("step"), history.last("epoch")
    if step and epoch:
        rate = epoch / step
        scale = (lambda steps: steps * rate, lambda epochs: epochs / rate)
        frames.append(axes.secondary_xaxis("top", functions=scale))
        frames[1].set_xlabel("epoch", loc="left")
    for frame in frames:
        frame.patch.set_alpha(0)
        frame.xaxis.set_major_locator(MaxNLocator(5))
        frame.xaxis.label.set_color(COLOURS["soft"])
        frame.tick_params(colors=COLOURS["soft"], which="both", length=2)
        for side, spine in frame.spines.items():
            spine.set_color(COLOURS["faint"])
            spine.set_visible(side in ("left", "bottom"))


def _inline(figure: Figure) -> str:
    """Returns the figure as an element of the page, in the page's colours."""
    buffer = io.StringIO()
    figure.patch.set_alpha(0)
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    for name, colour in COLOURS.items():
        svg = svg.replace(colour, f"var(--{name})")
    return svg
