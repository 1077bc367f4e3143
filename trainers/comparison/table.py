"""The table of a comparison: put together, and printed as the paper's table 1."""

from collections.abc import Mapping, Sequence
from typing import Any

from trainers.comparison.settings import Contestant, count_parameters
from trainers.runs import environment

_HEADINGS = ("", "test (train)", "parameters", "a step", "a sample")


def format_budget(
    config: Mapping[str, Any], models: Sequence[Contestant], steps: int
) -> str:
    """What is going to be trained; wires every model, and so checks it.

    Args:
        config: of the comparison.
        models: of it.
        steps: of each.

    Raises:
        ValueError: when an argument of a model is out of its range.
    """
    counts = {model.title: count_parameters(model) for model in models}
    rows = [f"  {title:32}{count:>14,}" for title, count in counts.items()]
    budget = f"{steps:,} steps of {config['batch_size']} images of {config['dataset']}"
    return "\n".join([f"{budget} for each of:", *rows])


def collect(
    config: Mapping[str, Any],
    models: Sequence[Contestant],
    found: Mapping[str, Mapping[str, Any]],
    steps: int,
    diverged: Mapping[str, str],
) -> dict[str, Any]:
    """All that a comparison found, as JSON takes it.

    Args:
        config: of the comparison.
        models: those that are trained; at least one.
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


def _row(model: Contestant, found: Mapping[str, Any]) -> dict[str, Any]:
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
    """Sentences that say what a comparison's numbers are.

    Args:
        result: as `collect` returns it.
    """
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
    """A row as it is read: test (train), parameters, times of a step and a sample.

    Args:
        row: of `collect`.
    """
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
    """Seconds as milliseconds, in three digits where there are fractions."""
    number = 1000 * seconds
    digits = 2 if number < 1 else 1 if number < 100 else 0
    return f"{number:,.{digits}f} ms"


def format_table(result: Mapping[str, Any]) -> str:
    """The table, to be printed.

    Args:
        result: as `collect` returns it.
    """
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
