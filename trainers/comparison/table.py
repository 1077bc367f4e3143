"""The table of a comparison, as the paper's table 1, and its page."""

import itertools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from keras_pixelcnn.files import read_json, replace_when_written
from trainers.report_page.page import WIDE, Line, chart, groups, render
from trainers.report_page.run_files import read_history, read_picture
from trainers.runs import environment
from trainers.runs.run_folder import RunFolder

_HEADINGS = ("", "test (train)", "parameters", "a step", "a sample")
_ENVIRONMENT = ("system", "processor", "cores", "devices", "versions")
_COLOURS = ("accent", "blue", "green", "pink", "yellow", "cyan", "red", "grey")


def format_budget(
    config: Mapping[str, Any], parameters: Mapping[str, int], steps: int
) -> str:
    """Returns what is going to be trained, as a table."""
    rows = [f"  {title:32}{count:>14,}" for title, count in parameters.items()]
    budget = f"{steps:,} steps of {config['batch_size']} images of {config['dataset']}"
    return "\n".join([f"{budget} for each of:", *rows])


def collect(
    config: Mapping[str, Any],
    models: Sequence[Any],
    found: Mapping[str, Mapping[str, Any]],
    steps: int,
    diverged: Mapping[str, str],
) -> dict[str, Any]:
    """Returns all that a comparison found, as JSON takes it.

    Args:
        config: of the comparison.
        models: the contestants that are trained; at least one.
        found: for each name "metrics", "train" and "timing".
        steps: of each model.
        diverged: names of models that have no result, with what went wrong.

    Returns:
        Facts of the data and the budget, and "rows" from the worst to the best, as the
        paper has them; each with "title", "kind" ("model" or "baseline") and
        "test_bits_per_dim", those of models with all else.
    """
    first = found[models[0].name]
    metrics = first["metrics"]
    rows = [
        {"title": title, "kind": "baseline", "test_bits_per_dim": bits}
        for title, bits in metrics["baselines"].items()
    ]
    rows += [_row(model, found[model.name]) for model in models]
    rows.sort(key=lambda row: -row["test_bits_per_dim"])
    facts = ("dataset", "test_split", "test_images", "image_shape", "num_levels")
    return {
        **{name: metrics[name] for name in facts},
        "train_split": config["train_split"],
        "train_images": first["train"]["images"],
        "steps": steps,
        "batch_size": config["batch_size"],
        "samples_at_once": first["timing"]["samples_at_once"],
        "rows": rows,
        "left_out": {**metrics["baselines_left_out"], **diverged},
        "seed": config["seed"],
        **environment.describe(),
    }


def _row(model: Any, found: Mapping[str, Any]) -> dict[str, Any]:
    metrics = found["metrics"]
    kept = ("validation_bits_per_dim", "parameters", "best_epoch", "training_seconds")
    return {
        "title": model.title,
        "kind": "model",
        "name": model.name,
        "model_class": metrics["model"],
        "test_bits_per_dim": metrics["test_bits_per_dim"],
        "train_bits_per_dim": found["train"]["bits_per_dim"],
        **{name: metrics[name] for name in kept},
        **found["timing"],
    }


def title_of(result: Mapping[str, Any]) -> list[str]:
    """Returns sentences that say what a comparison's numbers are."""
    shape = "x".join(map(str, result["image_shape"]))
    return [
        f"Bits/dim over the {result['test_images']:,} images of {result['dataset']}, "
        f"split {result['test_split']} ({shape}, {result['num_levels']} levels), in "
        f"brackets over {result['train_images']:,} of split {result['train_split']}.",
        f"Each model was trained for {result['steps']:,} steps of "
        f"{result['batch_size']} images; its weights were chosen by validation.",
        f"A step is one of training, {result['batch_size']} images; a sample's time is "
        f"its share of {result['samples_at_once']} drawn at once.",
    ]


def cells(row: Mapping[str, Any]) -> list[str]:
    """Returns a row as text: test (train), parameters, times of a step and a sample."""
    bits = f"{row['test_bits_per_dim']:.3f}"
    if row["kind"] == "baseline":
        return [bits, "", "", ""]
    return [
        f"{bits} ({row['train_bits_per_dim']:.3f})",
        f"{row['parameters']:,}",
        milliseconds(row["step_seconds"]),
        milliseconds(row["sample_seconds"]),
    ]


def milliseconds(seconds: float) -> str:
    """Returns seconds as milliseconds, with three digits where there are fractions."""
    number = 1000 * seconds
    digits = 2 if number < 1 else 1 if number < 100 else 0
    return f"{number:,.{digits}f} ms"


def format_table(result: Mapping[str, Any]) -> str:
    """Returns the table as text."""
    lines = [_HEADINGS, *([row["title"], *cells(row)] for row in result["rows"])]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    widths[1] = max(widths[1], len("0.000 (0.000)"))
    out = ["", *title_of(result), ""]
    for title, bits, *others in lines:
        # Scores stand under each other, whether a training score follows or not.
        right = [cell.rjust(w) for cell, w in zip(others, widths[2:], strict=True)]
        cells_ = [title.ljust(widths[0]), bits.ljust(widths[1]), *right]
        out.append(("  " + "  ".join(cells_)).rstrip())
    width = widths[0]
    out += [f"  {n:{width}}  left out: {why}" for n, why in result["left_out"].items()]
    return "\n".join([*out, ""])


def write_page(
    output: pathlib.Path, result: Mapping[str, Any], workdir: pathlib.Path, row: str
) -> None:
    """Writes the comparison as an HTML page, whole or not at all."""
    models = [each for each in result["rows"] if each["kind"] == "model"]
    titles = {each["title"]: workdir / each["name"] for each in models}
    colours = dict(zip(titles, itertools.cycle(_COLOURS), strict=False))
    histories = {
        title: read_history(folder / "history.jsonl")
        for title, folder in titles.items()
    }
    lines = [
        Line(
            title,
            colours[title],
            history.points("validation_ema_bits_per_dim")
            or history.points("validation_bits_per_dim"),
        )
        for title, history in histories.items()
    ]
    longest = max(histories.values(), key=lambda history: history.last("step") or 0)
    pictures = {t: read_picture(folder / row, []) for t, folder in titles.items()}
    configs = {t: read_json(RunFolder(folder).config) for t, folder in titles.items()}
    arguments = {
        title: {"model_class": config["model_class"], **config["model"]}
        for title, config in configs.items()
    }
    page = render(
        "comparison.html",
        title=f"Models compared on {result['dataset']}",
        sentences=title_of(result),
        rows=[(each, cells(each)) for each in result["rows"]],
        colours=colours,
        left_out=result["left_out"],
        chart=chart("Validation bits per dimension", lines, longest, WIDE),
        pictures={title: each for title, each in pictures.items() if each},
        config=groups({**read_json(RunFolder(workdir).config), **arguments}),
        environment=groups({name: result[name] for name in _ENVIRONMENT}),
    )
    with replace_when_written(output) as part:
        part.write_text(page, encoding="utf-8")
