"""The table of a run's likelihoods, beside the baselines and the paper's."""

from typing import NamedTuple

from trainers.report_page import published, wording
from trainers.report_page.chart_frame import Mark
from trainers.report_page.markup import Content, Element, tag
from trainers.report_page.published import PublishedTable
from trainers.report_page.run_reading import Run

_CONDITIONAL = (
    "The paper's models of these tables are unconditional. For models given the class "
    "(section 3.2) it reports no numbers, and says that they hardly differ."
)


class _Row(NamedTuple):
    model: str
    source: str
    test: float
    train: float | None = None
    kind: str = "other"  # or "own", "paper"


def likelihoods(run: Run) -> Element:
    """The section."""
    table = published.find_published(run.config, run.metrics)
    rows = [*_own_rows(run), *_baseline_rows(run)]
    if isinstance(table, PublishedTable):
        rows += _paper_rows(table)
    rows.sort(key=lambda row: -row.test)
    parts: list[Content] = [tag("h2", "Likelihoods")]
    if not run.finished:
        parts.append(
            _told(
                "There is no test score yet: the run scores its best model on the test "
                "split, and the baselines, when training has ended."
            )
        )
    if rows:
        parts.append(_table(run, rows))
    parts += [_told(sentence) for sentence in _remarks(run, table)]
    return tag("section", *parts, id="likelihoods")


def paper_marks(run: Run) -> tuple[Mark, ...]:
    """The paper's test result for the run's dataset, to be drawn beside the curves."""
    table = published.find_published(run.config, run.metrics)
    if isinstance(table, str):
        return ()
    return (Mark("the paper's", table.bits_of_papers_model()),)


def _own_rows(run: Run) -> list[_Row]:
    model = str(run.metrics.get("model", "Model"))
    given = run.metrics.get("conditions")
    note = f", given the {' and the '.join(map(str, given))}" if given else ""
    scores = {
        "test_bits_per_dim": f"this run{note}",
        "test_bits_per_dim_unconditional": "this run, unconditional",
    }
    return [
        _Row(model, source, bits, kind="own")
        for name, source in scores.items()
        if (bits := wording.finite(run.metrics.get(name))) is not None
    ]


def _baseline_rows(run: Run) -> list[_Row]:
    return [
        _Row(name, "baseline of this run", bits)
        for name, value in _dict(run.metrics.get("baselines")).items()
        if (bits := wording.finite(value)) is not None
    ]


def _paper_rows(table: PublishedTable) -> list[_Row]:
    source = f"the paper's, {table.place}"
    return [_Row(r.model, source, r.test, r.train, "paper") for r in table.rows]


def _dict(value: object) -> dict:
    return value if isinstance(value, dict) else {}


def _table(run: Run, rows: list[_Row]) -> Element:
    with_train = any(row.train is not None for row in rows)
    most = max(row.test for row in rows)
    heads = ["Model", "Whose", "Test", *(["Train"] if with_train else []), ""]
    numbers = {"Test", "Train"}
    head = [
        tag("th", text, scope="col", class_="number" if text in numbers else None)
        for text in heads[:-1]
    ]
    return tag(
        "div",
        tag(
            "table",
            tag("caption", _caption(run)),
            tag("thead", tag("tr", *head, tag("td", class_="bar"))),
            tag("tbody", *(_table_row(row, most, with_train) for row in rows)),
            class_="likelihoods",
        ),
        class_="scroll",
    )


def _table_row(row: _Row, most: float, with_train: bool) -> Element:
    # The paper's numbers have two digits after the point, and are given no more.
    digits = 2 if row.kind == "paper" else 4
    cells = [tag("td", f"{row.test:.{digits}f}", class_="number")]
    if with_train:
        train = "" if row.train is None else f"{row.train:.{digits}f}"
        cells.append(tag("td", train, class_="number"))
    width = f"width: {100 * max(row.test, 0) / most:.1f}%" if most > 0 else None
    bar = tag("td", tag("i", style=width), class_="bar", aria_hidden="true")
    name = tag("th", row.model, scope="row")
    return tag("tr", name, tag("td", row.source), *cells, bar, class_=row.kind)


def _caption(run: Run) -> str:
    caption = "Bits per dimension, lower is better"
    images = wording.finite(run.metrics.get("test_images"))
    if images is None:
        return f"{caption}."
    split = run.metrics.get("test_split", "test")
    number = wording.plural(int(images), "image")
    return f"{caption}. This run and the baselines: the {number} of split {split}."


def _remarks(run: Run, table: PublishedTable | str) -> list[str]:
    left_out = _dict(run.metrics.get("baselines_left_out"))
    remarks = [f"Left out, {name}: {reason}." for name, reason in left_out.items()]
    if isinstance(table, str):
        return [*remarks, table]
    remarks.append(
        f"The paper's: {published.PAPER}, arXiv 1606.05328, {table.place}, "
        f"{table.dataset}; numbers as published there."
    )
    if table.remark:
        remarks.append(table.remark)
    if run.metrics.get("conditions") or _dict(run.config.get("model")).get(
        "num_classes"
    ):
        remarks.append(_CONDITIONAL)
    return remarks


def _told(sentence: str) -> Element:
    return tag("p", sentence, class_="note")
