"""Puts the page together and writes it."""

import os
import pathlib

from keras_pixelcnn.files import replace_when_written
from trainers.report_page import markup, sections
from trainers.report_page.likelihoods import likelihoods
from trainers.report_page.markup import Element, tag
from trainers.report_page.overview import overview
from trainers.report_page.run_reading import Run, read_run
from trainers.report_page.style import STYLE

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""Nothing is loaded and no script runs, whatever a run's files may hold."""


def write_page(workdir: str | os.PathLike[str], output: str | os.PathLike[str]) -> None:
    """Writes the page of a run, whole or not at all.

    Args:
        workdir: the run's folder.
        output: the HTML file, replaced if it is there.

    Raises:
        ValueError: when `workdir` is no folder of a run.
        OSError: when the page cannot be written.
    """
    run = read_run(pathlib.Path(workdir))
    if pathlib.Path(output).is_dir():
        raise ValueError(
            f"--output must be a file, and this is a folder. Received: {output}"
        )
    with replace_when_written(output) as part:
        part.write_text(make_page(run), encoding="utf-8")


def make_page(run: Run) -> str:
    """The page of a run, which is one document without outside resources."""
    main = tag(
        "main",
        _notes(run.notes),
        sections.curves(run),
        sections.samples(run),
        sections.completions(run),
        likelihoods(run),
        sections.config(run),
        sections.environment(run),
    )
    title = f"{run.name}: training report"
    return markup.document(head(title), [overview(run), main])


def head(title: str, style: str = "") -> list[Element]:
    """What leads a page that needs nothing from outside.

    Args:
        title: of the page.
        style: rules beside those of all pages. Default: none.
    """
    policy = {"http_equiv": "Content-Security-Policy", "content": _POLICY}
    return [
        tag("meta", charset="utf-8"),
        tag("meta", **policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("link", rel="icon", href="data:,"),
        tag("title", title),
        tag("style", STYLE + style),
    ]


def _notes(notes: list[str]) -> Element | None:
    if not notes:
        return None
    items = [tag("li", note) for note in notes]
    label = "What to know about the run's files"
    return tag("aside", tag("ul", *items), aria_label=label)
