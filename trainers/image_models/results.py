"""The results of a run of one model: scores, samples, an export and metrics.json."""

import json
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn import baselines
from keras_pixelcnn.models import load_model
from keras_pixelcnn.training import RunState
from trainers.runs.data import as_arrays, load_split
from trainers.runs.run import Run, training_facts
from trainers.runs.run_folder import write_json
from trainers.sampling.pictures import save_completions, save_samples
from trainers.scoring.scoring import score

_MOST_BASELINE_VALUES = 2**28
"""Values of the training images above which the Gaussian would need gigabytes."""

CODECS = ("PNG", "WebP lossless", "JPEG XL")
"""Baselines that are files of general-purpose codecs."""

_BASELINE_FIELDS = (
    "dataset",
    "train_split",
    "test_split",
    "num_levels",
    "image_size",
    "color_mode",
    "data_dir",
    "seed",
)
"""Fields of a config that the baselines depend on."""

_baseline_tables: dict[str, dict[str, float]] = {}
"""The last table, by its fields."""


def write_results(run: Run, state: RunState) -> dict[str, Any]:
    """Scores the best model on the test split; writes samples, export and metrics.

    Returns:
        What was written to `metrics.json`, which is written last.
    """
    config, data, folder = run.config, run.data, run.folder
    model = load_model(folder.model)
    test = load_split(config, config["test_split"])
    tested = score(model, test, config["batch_size"])
    validated = score(model, data.validation, config["batch_size"])
    metrics = {
        "model": type(model).__name__,
        "dataset": config["dataset"],
        "test_split": config["test_split"],
        "test_images": tested.num_images,
        "image_shape": list(model.image_shape),
        "num_levels": model.num_levels,
        **_conditional_scores(model, test, config["batch_size"]),
        "test_bits_per_dim": tested.bits_per_dim,
        "test_nats_per_image": tested.nats_per_image,
        "validation_bits_per_dim": validated.bits_per_dim,
        "parameters": model.count_params(),
        **_baselines(config, test, model),
    }
    save_samples(folder.samples, model, test, config)
    save_completions(folder.completions, model, test, seed=config["sample_seed"])
    if not folder.export.exists():  # else from this run, killed a little later
        model.export(folder.export, verbose=False, bits_per_dim=tested.bits_per_dim)
    metrics |= training_facts(config, data.steps_per_epoch, state)
    write_json(folder.metrics, metrics)
    return metrics


def _conditional_scores(
    model: kp.AutoregressiveImageModel, test: tf.data.Dataset, batch_size: int
) -> dict[str, Any]:
    """Returns the scores that only models with conditions have."""
    scores = {}
    if model.conditions.names:
        scores["conditions"] = model.conditions.names
    if model.label_names:
        scores["label_names"] = list(model.label_names)
    if model.conditions.optional:
        without = score(model, test, batch_size, unconditional=True)
        scores["test_bits_per_dim_unconditional"] = without.bits_per_dim
    return scores


def _baselines(
    config: Mapping[str, Any], test: tf.data.Dataset, model: Any
) -> dict[str, Any]:
    """Returns bits/dim of the baselines, and why some are left out.

    The table is computed once where one process trains several models.
    """
    train = load_split(config, config["train_split"])
    if int(train.cardinality()) * model.num_dims > _MOST_BASELINE_VALUES:
        uniform = {"uniform": baselines.uniform_bits_per_dim(model.num_levels)}
        left_out = dict.fromkeys(baselines.BASELINES, "the training split is too large")
        del left_out["uniform"]
        return {"baselines": uniform, "baselines_left_out": left_out}
    key = json.dumps([config[name] for name in _BASELINE_FIELDS])
    if key not in _baseline_tables:
        _baseline_tables.clear()
        images = as_arrays(train).image, as_arrays(test).image
        _baseline_tables[key] = baselines.baseline_table(
            *images, model.num_levels, seed=config["seed"]
        )
    return {
        "baselines": dict(_baseline_tables[key]),
        "baselines_left_out": baselines.left_out(model.image_shape, model.num_levels),
    }


def format_table(metrics: Mapping[str, Any]) -> str:
    """Returns the metrics of a finished run as a table."""
    given = metrics.get("conditions", [])
    note = f"  given the {' and the '.join(given)}" if given else ""
    rows = [(metrics["model"], f"{metrics['test_bits_per_dim']:8.4f}{note}")]
    without = metrics.get("test_bits_per_dim_unconditional")
    if without is not None:
        rows.append((metrics["model"], f"{without:8.4f}  unconditional"))
    for name, bits in metrics["baselines"].items():
        rows.append((name, f"{bits:8.4f}"))
    for name, reason in metrics["baselines_left_out"].items():
        rows.append((name, f"{'-':>8}  left out: {reason}"))
    shape = "x".join(map(str, metrics["image_shape"]))
    facts = [
        ("best epoch", f"{metrics['best_epoch']} of {metrics['epochs']}"),
        ("validation bits/dim", f"{metrics['validation_bits_per_dim']:.4f}"),
        ("parameters", f"{metrics['parameters']:,}"),
        ("training time", f"{metrics['training_seconds']:.0f} s"),
    ]
    if metrics.get("steps_skipped"):
        skipped = f"{metrics['steps_skipped']} of {metrics['steps']}"
        facts.append(("steps skipped", skipped))
    return "\n".join(
        [
            "",
            f"bits/dim over the {metrics['test_images']} images of "
            f"{metrics['dataset']}, split {metrics['test_split']} "
            f"({shape}, {metrics['num_levels']} levels)",
            *(f"  {name:24}{value}" for name, value in rows),
            "",
            *(f"  {name:24}{value}" for name, value in facts),
            "",
            *_advice(metrics),
        ]
    )


def _advice(metrics: Mapping[str, Any]) -> list[str]:
    """Returns what it means, and what to try, where a general codec does better."""
    own, others = metrics["test_bits_per_dim"], metrics["baselines"]
    better = [name for name in CODECS if others.get(name, own) < own]
    if not better:
        return []
    best, epochs = metrics["best_epoch"], metrics["epochs"]
    if best > 0.8 * epochs:
        side = min(metrics["image_shape"][:2]) // 2
        ways = ["train longer (a larger --config.minutes, another --workdir)"]
        if side >= 8:
            ways.append(
                f"smaller images (--config.image_size={side}), of which it sees more "
                "in the same time"
            )
        if metrics["num_levels"] > 32:
            ways.append("fewer levels (--config.num_levels=32)")
        hint = (
            f"it was still getting better after its {metrics['steps']:,} steps: "
            f"{', or '.join(ways)}"
        )
    else:
        hint = (
            f"it was best at epoch {best} of {epochs} and then learnt the pictures by "
            "heart: more pictures, more dropout (--config.model.dropout_rate=0.3), a "
            "smaller network, or a trained model to begin with "
            "(--config.initial_model=NAME)"
        )
    return [
        f"{' and '.join(better)} {'needs' if len(better) == 1 else 'need'} fewer bits "
        f"than the model, which means that it has learnt too little; {hint}.",
        "",
    ]
