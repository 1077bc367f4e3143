"""The page's sections but the likelihoods: curves, pictures, config, environment."""

import itertools
from collections.abc import Mapping
from typing import Any

from trainers.report_page import wording
from trainers.report_page.curves import BITS, OTHERS, Curve, bits_curve, other_curves
from trainers.report_page.likelihoods import paper_marks
from trainers.report_page.line_chart import draw
from trainers.report_page.markup import Content, Element, tag
from trainers.report_page.overview import picture_element
from trainers.report_page.pictures import Picture
from trainers.report_page.run_reading import Run

_WIDE, _NARROW = (1040, 330), (400, 270)


def curves(run: Run) -> Element:
    """All curves, and the table of what they end at."""
    title = tag("h2", "Curves")
    if not run.history.rows:
        words = (
            "There are no curves: the run holds neither entries in history.jsonl nor "
            "TensorBoard logs."
        )
        return tag("section", title, tag("p", words, class_="note"), id="curves")
    first = bits_curve(run.history, paper_marks(run))
    others = map(curve_figure, other_curves(run.history))
    figures = [curve_figure(first, "wide"), *others]
    grid = tag("div", *figures, class_="curves")
    return tag("section", title, grid, _last_values(run), id="curves")


def curve_figure(curve: Curve, css_class: str | None = None) -> Element:
    """A curve with its title and note.

    Args:
        curve: to be drawn.
        css_class: "wide" for one over the page's whole breadth. Default: narrow.
    """
    title = tag("figcaption", curve.title)
    if curve.chart is None:
        missing = tag("p", "Not recorded.", class_="note")
        return tag("figure", title, missing, class_=css_class)
    drawings = [draw(curve.chart, *_NARROW)]
    if css_class:  # drawn for both breadths: letters keep their size
        wide = draw(curve.chart, *_WIDE, with_values=True, css_class="for-wide")
        drawings = [wide, draw(curve.chart, *_NARROW, css_class="for-narrow")]
    note = tag("p", curve.note, class_="note") if curve.note else None
    return tag("figure", title, *drawings, note, class_=css_class)


def _last_values(run: Run) -> Element:
    names = {
        "train": "Train bits/dim",
        "validation": "Validation bits/dim",
        "EMA": "Validation bits/dim, EMA",
    }
    rows = [(names[name], key) for name, key, _ in BITS]
    rows += [(title, key) for title, key, _ in OTHERS]
    numbers = ["Last", "Lowest", "At step"]
    heads = [tag("th", text, scope="col", class_="number") for text in numbers]
    heads = [tag("th", "Curve", scope="col"), *heads]
    table = tag(
        "table",
        tag("caption", "The curves' values"),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *(_last_row(run, *row) for row in rows)),
    )
    return tag("div", table, class_="scroll")


def _last_row(run: Run, name: str, key: str) -> Element:
    points = run.history.points(key)
    cells = [wording.MISSING] * 3
    if points:
        step, lowest = min(points, key=lambda point: point[1])
        write = wording.bits if "bits" in key else wording.short
        cells = [write(points[-1][1]), write(lowest), wording.count(step)]
    numbers = [tag("td", cell, class_="number") for cell in cells]
    return tag("tr", tag("th", name, scope="row"), *numbers)


def samples(run: Run) -> Element:
    """Samples as they improved."""
    strip = _strip(run, "Samples", run.sample_pictures, run.num_sample_pictures)
    return tag(
        "section", tag("h2", "Samples as training went on"), *strip, id="samples"
    )


def completions(run: Run) -> Element:
    """Completions as they improved, and those of the model that was kept."""
    pictures, number = run.completion_pictures, run.num_completion_pictures
    parts: list[Content] = [tag("h2", "Completions")]
    if run.completions:
        words = (
            "A row: the known upper half of a test image, completions by the model "
            "that was kept, and the real image."
        )
        image = picture_element(run.completions, words)
        last = tag("figure", image, tag("figcaption", words), class_="completions")
        parts.append(last)
    if pictures or not run.completions:
        parts += _strip(run, "Completions", pictures, number)
    return tag("section", *parts, id="completions")


def _strip(run: Run, what: str, pictures: list[Picture], number: int) -> list[Element]:
    if not pictures:
        words = (
            f"{what} were not drawn during training{'' if run.finished else ' yet'}."
        )
        return [tag("p", words, class_="note")]
    figures = [
        tag(
            "figure",
            picture_element(p, f"{what} at {_when(run, p)}"),
            tag("figcaption", _when(run, p)),
        )
        for p in pictures
    ]
    items = [tag("div", *figures, class_="strip")]
    if number > len(pictures):
        words = f"{len(pictures)} of {number} pictures."
        items.insert(0, tag("p", words, class_="note"))
    return items


def _when(run: Run, picture: Picture) -> str:
    step = f"step {wording.count(picture.step)}"
    epochs = {row["step"]: row.get("epoch") for row in run.history.rows}
    epoch = epochs.get(picture.step)
    return step if epoch is None else f"{step}, epoch {wording.epoch(epoch)}"


def config(run: Run) -> Element:
    """Every field of the config."""
    if run.config:
        return settings(run.config)
    missing = tag("p", "config.json is not there.", class_="note")
    return tag("section", tag("h2", "Config"), missing, id="config")


def settings(fields: dict[str, Any]) -> Element:
    """Fields of a config, those of a nested one together."""
    title = tag("h2", "Config")
    groups = {"": {}}
    for name, value in fields.items():
        if isinstance(value, dict) and value:
            groups[name] = value
        else:
            groups[""][name] = value
    lists = [
        _definitions(_flat(fields), name) for name, fields in groups.items() if fields
    ]
    return tag("section", title, tag("div", *lists, class_="lists"), id="config")


def _flat(fields: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows = []
    for name, value in fields.items():
        if isinstance(value, dict) and value:
            rows += _flat(value, f"{prefix}{name}.")
        else:
            rows.append((f"{prefix}{name}", wording.setting(value)))
    return rows


def _definitions(rows: list[tuple[str, str]], title: str = "") -> Element:
    pairs = [(tag("dt", name), tag("dd", value)) for name, value in rows]
    heading = tag("h3", title) if title else None
    return tag("div", heading, tag("dl", *itertools.chain(*pairs), class_="pairs"))


def environment(run: Run) -> Element:
    """What the run ran on."""
    facts = {name: value for name, value in run.environment.items()}
    versions = facts.pop("versions", None) or run.metrics.get("versions") or {}
    return surroundings(facts, versions)


def surroundings(facts: Mapping[str, Any], versions: Any) -> Element:
    """What something ran on, as far as it is known.

    Args:
        facts: by name, such as "processor".
        versions: of programs, by name.
    """
    rows = [(name.replace("_", " "), _fact(value)) for name, value in facts.items()]
    parts: list[Content] = [tag("h2", "Environment")]
    if "processor" not in facts:
        words = "The processor was not recorded."
        parts.append(tag("p", words, class_="note"))
    if not versions:
        parts.append(tag("p", "Versions were not recorded.", class_="note"))
    lists = [_definitions(rows)] if rows else []
    if isinstance(versions, dict) and versions:
        lists.append(_definitions(_flat(versions), "versions"))
    return tag("section", *parts, tag("div", *lists, class_="lists"), id="environment")


def _fact(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(wording.setting, value)) or "none"
    if isinstance(value, int) and not isinstance(value, bool):
        return wording.count(value)
    return wording.setting(value)
