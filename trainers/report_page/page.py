"""Writes the page of a run: its facts, put into a Jinja template."""

import datetime
import json
import os
import pathlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from keras_pixelcnn.files import replace_when_written
from trainers.report_page.published import PublishedTable, find_published
from trainers.report_page.run_files import History, RunFiles, finite, read_run

try:
    import jinja2
    import markupsafe

    from trainers.report_page.charts import Chart, Line, chart
except ImportError as error:
    raise ImportError(
        'Pages need Jinja2 and Matplotlib: pip install "keras-pixelcnn[report]". '
        f"({error})"
    ) from error

WIDE = (10.4, 3.3)
_BITS = {
    "Train bits/dim": "train_bits_per_dim",
    "Validation bits/dim": "validation_bits_per_dim",
    "Validation bits/dim, EMA": "validation_ema_bits_per_dim",
}
_OTHERS = {
    "Learning rate": "learning_rate",
    "Gradient norm": "gradient_norm",
    "Images per second": "images_per_second",
}
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")


def write_page(workdir: str | os.PathLike[str], output: str | os.PathLike[str]) -> None:
    """Writes the page of a run, whole or not at all.

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


def make_page(run: RunFiles) -> str:
    """Returns the page of a run, one document without outside resources."""
    table, remarks = find_published(run.config, run.metrics)
    history = run.history
    return render(
        "report.html",
        title=f"{run.name}: training report",
        run=run,
        progress=_progress(run),
        best=_lowest(history, "validation_ema_bits_per_dim")
        or _lowest(history, "validation_bits_per_dim"),
        speed=sorted(y for _, y in history.points("images_per_second")),
        charts=_charts(history, table) if history.rows else [],
        curves={
            title: (history.last(key), _lowest(history, key))
            for title, key in {**_BITS, **_OTHERS}.items()
        },
        epochs={row["step"]: row.get("epoch") for row in history.rows},
        likelihoods=_likelihoods(run, table),
        remarks=remarks,
        config=groups(run.config),
        environment=groups(run.environment),
    )


def render(template: str, **context: Any) -> str:
    """Returns a page made by a template of this folder; all text is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = {"number": number, "duration": duration, "text": text}
    environment.filters.update(filters, svg=markupsafe.Markup, finite=finite)
    page = environment.get_template(template).render(context)
    whole = page.encode("utf-8", "replace").decode("utf-8")  # no halves of pairs
    return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", whole) + "\n"


def number(value: Any, form: str = ",.0f") -> str:
    """Returns a number as text, and a dash for what is none."""
    known = finite(value)
    return "\N{EN DASH}" if known is None else format(known, form)


def duration(seconds: Any) -> str:
    """Returns seconds as hours, minutes and seconds, and a dash for what is none."""
    known = finite(seconds)
    if known is None or not 0 <= known < 1e9:
        return "\N{EN DASH}"
    return str(datetime.timedelta(seconds=round(known)))


def text(value: Any) -> str:
    """Returns a value of a config: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def groups(fields: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns the fields of a config, those of each nested dict as a group."""
    nested = {k: v for k, v in fields.items() if isinstance(v, dict) and v}
    own = {k: v for k, v in fields.items() if k not in nested}
    return ({"": own} if own else {}) | nested


def _progress(run: RunFiles) -> dict[str, Any]:
    """Returns the share of the training done in [0, 1], words for it, and times."""
    step, epoch = run.history.last("step"), run.history.last("epoch")
    steps = finite(run.environment.get("steps", run.config.get("steps")))
    # Where a config says steps, they count and not its epochs.
    epochs = None if steps else finite(run.config.get("epochs"))
    share, parts = None, []
    for name, done, total in (("epoch", epoch, epochs), ("step", step, steps)):
        if done is not None:
            parts.append(f"{name} {number(done, ',.6g')}")
        if done is not None and total:
            share = min(max(done / total, 0.0), 1.0)
            parts[-1] += f" of {number(total, ',.6g')}"
    seconds = finite(run.metrics.get("training_seconds"))
    seconds = run.history.last("seconds") if seconds is None else seconds
    left = seconds * (1 - share) / share if seconds and share else None
    words = ", ".join(parts) or "no step is recorded"
    return {"share": share, "words": words, "seconds": seconds, "seconds_left": left}


def _lowest(history: History, key: str) -> tuple[float, float] | None:
    """Returns the step and value of a curve's least value."""
    return min(history.points(key), key=lambda point: point[1], default=None)


def _charts(history: History, table: PublishedTable | None) -> list[Chart]:
    lines = [
        Line("train", "grey", history.points("train_bits_per_dim")),
        Line("validation", "accent", history.points("validation_bits_per_dim")),
        Line("EMA", "blue", history.points("validation_ema_bits_per_dim")),
    ]
    level = table and table.bits_of_papers_model
    return [
        chart("Bits per dimension", lines, history, WIDE, level),
        *(
            chart(title, [Line("", "accent", history.points(key))], history)
            for title, key in _OTHERS.items()
        ),
    ]


class _Row(NamedTuple):
    model: str
    source: str
    test: float
    train: float | None
    kind: str


def _likelihoods(run: RunFiles, table: PublishedTable | None) -> list[_Row]:
    """Returns this run's likelihoods, the baselines' and the paper's, worst first."""
    metrics, given = run.metrics, run.metrics.get("conditions")
    note = f", given {text(given)}" if given else ""
    model = text(metrics.get("model", "Model"))
    baselines = metrics.get("baselines")
    without = metrics.get("test_bits_per_dim_unconditional")
    rows = [
        (model, f"this run{note}", metrics.get("test_bits_per_dim"), None, "own"),
        (model, "this run, unconditional", without, None, "own"),
    ]
    if isinstance(baselines, dict):
        rows += [(x, "baseline", y, None, "other") for x, y in baselines.items()]
    if table:
        rows += [(x, "the paper's", *y, "paper") for x, y in table.rows.items()]
    found = [_Row(*row) for row in rows if finite(row[2]) is not None]
    return sorted(found, key=lambda row: -row.test)
