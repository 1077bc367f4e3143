"""Makes a preset of the package from a finished run."""

import hashlib
import json
import os
import pathlib
import re
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from keras_pixelcnn.callbacks import plan_samples
from keras_pixelcnn.files import read_json, replace_when_written
from keras_pixelcnn.image_grid import save_image_grid
from keras_pixelcnn.models import load_model
from keras_pixelcnn.pretrained import preset
from trainers.presets.preset_card import write_card
from trainers.runs.run_folder import RunFolder

_METRICS = (
    "test_images",
    "test_bits_per_dim",
    "baselines",
    "training_seconds",
    "versions",
    "processor",
    "cores",
    "devices",
)


def make_preset(
    workdir: str | os.PathLike[str],
    name: str,
    description: str,
    data: str,
    *,
    label_names: Sequence[str] | None = None,
    commit: str | None = None,
    output: str | os.PathLike[str] | None = None,
    sampling: Mapping[str, float] | None = None,
) -> pathlib.Path:
    """Writes a preset's folder, in place of an older one of that name.

    Args:
        workdir: folder of a finished run of `trainers.train`.
        name: what `kp.from_preset` shall take: letters, digits and underscores.
        description: one sentence.
        data: name, source and licence of the training data.
        label_names: names of the classes, one for each. Default: the model's own.
        commit: of the source that trained it. Default: as the run says.
        output: folder of all presets. Default: the package's.
        sampling: arguments of `sample` under which it draws best, such as
            `guidance_scale`: its picture is drawn so. Default: the run's picture.

    Returns:
        The folder.

    Raises:
        ValueError: when the run is not finished, or does not know its commit, or the
            names are not as above.
    """
    run = RunFolder(workdir)
    if not re.fullmatch("[A-Za-z0-9_]+", str(name)):
        raise ValueError(
            f"name must be letters, digits and underscores. Received: {name!r}"
        )
    if not run.metrics.is_file():
        raise ValueError(
            f"{workdir} must be the folder of a finished run, with metrics.json. "
            "Received: one without. Run trainers.train to its end."
        )
    trained = load_model(run.model)
    model = type(trained).from_config(trained.get_config())
    model.set_weights(trained.get_weights())  # without the optimizer's state
    if label_names is not None:
        model.label_names = label_names
    target = pathlib.Path(output or preset.PRETRAINED) / name
    with replace_when_written(target) as part:
        part.mkdir()
        model.save(part / preset.MODEL_FILE)
        record = _record(run, model, description, data, commit)
        content = (part / preset.MODEL_FILE).read_bytes()
        record["model_bytes"] = len(content)
        record["model_sha256"] = hashlib.sha256(content).hexdigest()
        if sampling:
            record["sampling"] = dict(sampling)
        text = json.dumps(record, indent=2, ensure_ascii=False)
        (part / preset.RECORD_FILE).write_text(text + "\n", encoding="utf-8")
        if sampling:
            config = record["config"]
            count, given, columns = plan_samples(model, config["num_samples"])
            samples = model.sample(
                count, seed=config["sample_seed"], **given, **sampling
            ).numpy()
            save_image_grid(part / "samples.png", samples, model.num_levels, columns)
        else:
            shutil.copy(run.samples, part / "samples.png")
        write_card(part / preset.CARD_FILE, name, record)
        older = target.with_name(f".{name}.older")
        if target.exists():
            target.rename(older)
    shutil.rmtree(older, ignore_errors=True)
    return target


def _record(
    run: RunFolder,
    model: Any,
    description: str,
    data: str,
    commit: str | None,
) -> dict[str, Any]:
    metrics = read_json(run.metrics)
    missing = [name for name in _METRICS if name not in metrics]
    if missing:
        raise ValueError(
            f"{run.metrics} must hold the results of a run of trainers.train. "
            f"Received: results without {', '.join(missing)}"
        )
    commit = commit or metrics.get("commit")
    if not commit or commit.endswith("-changed"):
        raise ValueError(
            f"{run.metrics} must name the commit that trained the model, with nothing "
            f"changed after it. Received: {commit}. Pass it as commit."
        )
    cores = metrics["cores"]
    machine = [metrics["processor"], f"{cores} core{'s' if cores > 1 else ''}"]
    return {
        "description": description,
        "model": type(model).__name__,
        "image_shape": list(model.image_shape),
        "num_levels": model.num_levels,
        "conditions": list(model.conditions.names),
        "label_names": list(model.label_names) if model.label_names else None,
        "num_parameters": model.count_params(),
        "dataset": data,
        "test_images": metrics["test_images"],
        "test_bits_per_dim": metrics["test_bits_per_dim"],
        "test_bits_per_dim_unconditional": metrics.get(
            "test_bits_per_dim_unconditional"
        ),
        "baselines": metrics["baselines"],
        "config": read_json(run.config),
        "commit": commit,
        "training_hours": round(metrics["training_seconds"] / 3600, 3),
        "machine": ", ".join([*machine, *metrics["devices"]]),
        "versions": metrics["versions"],
    }
