"""A run's folder as training writes it, made by hand: finished, or a part of it."""

import json
import math

import numpy as np
from PIL import Image

STEPS_PER_EPOCH = 22


def history_rows(num_steps=176):
    """A row a step, with validation at the ends of epochs."""
    rows = []
    for step in range(1, num_steps + 1):
        bits = 2 + 2 * math.exp(-step / 20)
        row = {
            "step": step,
            "epoch": step / STEPS_PER_EPOCH,
            "seconds": 0.5 * step,
            "images_per_second": 128.0,
            "learning_rate": 2e-3 * (1 - step / 176),
            "gradient_norm": 3 / step,
            "train_bits_per_dim": bits,
        }
        if step % STEPS_PER_EPOCH == 0:
            row["validation_bits_per_dim"] = bits + 0.03
            row["validation_ema_bits_per_dim"] = bits + 0.01
        rows.append(row)
    return rows


def write_history(workdir, rows, end="\n"):
    lines = [json.dumps(row) for row in rows]
    (workdir / "history.jsonl").write_text("\n".join(lines) + end)


def write_config(workdir, **fields):
    config = {
        "dataset": "digits",
        "num_levels": 17,
        "image_size": None,
        "color_mode": None,
        "epochs": 8,
        "steps": None,
        "model": {"filters": 64, "num_blocks": 6},
    }
    (workdir / "config.json").write_text(json.dumps(config | fields))


def write_metrics(workdir, **fields):
    metrics = {
        "model": "GatedPixelCNN",
        "dataset": "digits",
        "test_split": "test",
        "test_images": 180,
        "image_shape": [8, 8, 1],
        "num_levels": 17,
        "test_bits_per_dim": 2.0453,
        "validation_bits_per_dim": 2.0401,
        "best_epoch": 8,
        "epochs": 8,
        "parameters": 479761,
        "baselines": {"uniform": 4.0875, "independent pixels": 2.4169},
        "baselines_left_out": {"PNG": "needs 1 or 3 channels"},
        "training_seconds": 158.5,
        "versions": {"python": "3.11.7", "keras": "3.15.1"},
    }
    (workdir / "metrics.json").write_text(json.dumps(metrics | fields))


def write_picture(path, level=128):
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(np.full((16, 24), level, np.uint8)).save(path)


def finished_run(workdir):
    """Everything that a finished run holds and the page shows."""
    workdir.mkdir()
    write_config(workdir)
    write_history(workdir, history_rows())
    write_metrics(workdir)
    environment = {"processor": "Abacus 9000", "cores": 2, "devices": []}
    (workdir / "environment.json").write_text(json.dumps(environment))
    for step in (44, 88, 176):
        write_picture(workdir / "samples" / f"step-{step:06d}.png", step)
        write_picture(workdir / "completions" / f"step-{step:06d}.png", step)
    write_picture(workdir / "samples.png")
    write_picture(workdir / "completions.png")
    return workdir
