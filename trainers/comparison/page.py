"""A comparison as one HTML page: the table, the curves, samples of each model."""

import pathlib
from collections.abc import Mapping
from typing import Any

from keras_pixelcnn.files import replace_when_written
from trainers.comparison import table
from trainers.report_page import curves, markup, sections
from trainers.report_page.history import History, read_history
from trainers.report_page.markup import Element, tag
from trainers.report_page.overview import picture_element
from trainers.report_page.page import head
from trainers.report_page.pictures import read_picture
from trainers.runs.run_folder import RunFolder, read_json

_HEADINGS = ("Model", "Test (train)", "Parameters", "A step", "A sample")

_ENVIRONMENT = ("system", "processor", "cores", "devices")

_STYLE = """
.c0 { --c: #c2410c; } .c1 { --c: #1f5fae; } .c2 { --c: #1d6b3a; }
.c3 { --c: #8a2f8f; } .c4 { --c: #8a6d00; } .c5 { --c: #0b7285; }
.c6 { --c: #a3123f; } .c7 { --c: #5d6168; }
@media (prefers-color-scheme: dark) {
  .c0 { --c: #ff9a6b; } .c1 { --c: #84b8ff; } .c2 { --c: #7fd69d; }
  .c3 { --c: #e3a1e8; } .c4 { --c: #e5c558; } .c5 { --c: #6ad0e0; }
  .c6 { --c: #ff93ae; } .c7 { --c: #a2a6ad; }
}
header { display: block; }
header .note { margin-top: 0.4rem; }
.compared td:nth-child(2) { white-space: nowrap; font-variant-numeric: tabular-nums; }
.compared .number { color: var(--soft); }
.compared .bar { width: 26%; padding-right: 0; }
.compared .bar i { background: var(--c, var(--grey)); }
.compared .model th, .compared .model td:nth-child(2) { font-weight: 650;
  color: var(--c); }
.compared .model .bar i { opacity: 1; }
.rows figure { margin-top: 1.1rem; }
.rows img { width: 100%; max-width: 52rem; margin-top: 0.3rem; }
.rows figcaption { color: var(--c); font-weight: 600; }
@media (max-width: 50rem) { .compared .bar { display: none; } }
"""
_COLOURS = 8


def write_page(
    output: pathlib.Path, result: Mapping[str, Any], workdir: pathlib.Path, row: str
) -> None:
    """Writes the page, whole or not at all.

    Args:
        output: the HTML file.
        result: as `trainers.comparison.table.collect` returns it.
        workdir: the comparison's folder.
        row: name of the picture with a row of samples, in the folder of each model.
    """
    with replace_when_written(output) as part:
        part.write_text(make_page(result, workdir, row), encoding="utf-8")


def make_page(result: Mapping[str, Any], workdir: pathlib.Path, row: str) -> str:
    """The page, which is one document without outside resources."""
    title = f"Models compared on {result['dataset']}"
    models = [each for each in result["rows"] if each["kind"] == "model"]
    colours = {each["title"]: f"c{i % _COLOURS}" for i, each in enumerate(models)}
    told = [tag("p", words, class_="note") for words in table.title_of(result)]
    settings = read_json(RunFolder(workdir).config)
    main = tag(
        "main",
        _table(result, colours),
        _curves(models, colours, workdir),
        _samples(models, colours, workdir, row),
        sections.settings({**settings, **_arguments(models, workdir)}),
        sections.surroundings(
            {name: result[name] for name in _ENVIRONMENT}, result["versions"]
        ),
    )
    top = tag("header", tag("h1", title), *told)
    return markup.document(head(title, _STYLE), [top, main])


def _arguments(
    models: list[dict[str, Any]], workdir: pathlib.Path
) -> dict[str, dict[str, Any]]:
    """The class and arguments of each model, by its title."""
    configs = {
        m["title"]: read_json(RunFolder(workdir / m["name"]).config) for m in models
    }
    return {
        title: {"model_class": config["model_class"], **config["model"]}
        for title, config in configs.items()
    }


# The table.


def _table(result: Mapping[str, Any], colours: Mapping[str, str]) -> Element:
    heads = [
        tag("th", text, scope="col", class_="number" if i > 1 else None)
        for i, text in enumerate(_HEADINGS)
    ]
    most = max(each["test_bits_per_dim"] for each in result["rows"])
    body = [_table_row(each, most, colours) for each in result["rows"]]
    drawn = tag(
        "table",
        tag("caption", "Bits per dimension, lower is better; the best stand last."),
        tag("thead", tag("tr", *heads, tag("td", class_="bar"))),
        tag("tbody", *body),
        class_="compared",
    )
    left_out = [
        tag("p", f"Left out, {name}: {reason}.", class_="note")
        for name, reason in result["left_out"].items()
    ]
    scroll = tag("div", drawn, class_="scroll")
    return tag("section", tag("h2", "Likelihoods"), scroll, *left_out, id="table")


def _table_row(
    row: Mapping[str, Any], most: float, colours: Mapping[str, str]
) -> Element:
    bits, *others = table.cells(row)
    numbers = [tag("td", each, class_="number") for each in others]
    width = f"width: {100 * max(row['test_bits_per_dim'], 0) / most:.1f}%"
    bar = tag("td", tag("i", style=width), class_="bar", aria_hidden="true")
    name = tag("th", row["title"], scope="row")
    colour = colours.get(row["title"], "") if row["kind"] == "model" else ""
    css_class = f"{row['kind']} {colour}".strip()
    return tag("tr", name, tag("td", bits), *numbers, bar, class_=css_class)


# Curves and samples.


def _curves(
    models: list[dict[str, Any]], colours: Mapping[str, str], workdir: pathlib.Path
) -> Element:
    histories = {
        model["title"]: _history(workdir / model["name"] / "history.jsonl")
        for model in models
    }
    curve = curves.validation_curves(histories, colours)
    figure = sections.curve_figure(curve, "wide")
    grid = tag("div", figure, class_="curves")
    return tag("section", tag("h2", "Curves"), grid, id="curves")


def _history(path: pathlib.Path) -> History:
    return read_history(path) if path.exists() else History([], [])


def _samples(
    models: list[dict[str, Any]],
    colours: Mapping[str, str],
    workdir: pathlib.Path,
    row: str,
) -> Element:
    figures = []
    for model in models:
        title, notes = model["title"], []
        picture = read_picture(workdir / model["name"] / row, notes)
        if picture is None:
            continue
        caption = tag("figcaption", title)
        image = picture_element(picture, f"Samples of {title}")
        figures.append(tag("figure", caption, image, class_=colours[title]))
    told = tag("p", "All drawn with the same noise, seed by seed.", class_="note")
    rows = tag("div", *figures, class_="rows")
    return tag("section", tag("h2", "Samples"), told, rows, id="samples")
