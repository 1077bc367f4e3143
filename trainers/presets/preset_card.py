"""The model card of a preset: what it is, how it was made, what it is good for.

After Mitchell et al. 2019, Model Cards for Model Reporting, arXiv 1810.03993.
"""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

_CARD = """\
# {name}

{description}

![Drawn by this model](samples.png)

```python
import keras_pixelcnn as kp

model = kp.from_preset("{name}")
{example}
```

## The model

{model}, {num_parameters:,} parameters; images of {shape} pixels with {num_levels}
levels; {conditions}. `model.keras` holds the weights without an optimizer's state
({model_bytes:,} bytes, SHA-256 `{model_sha256}`).

## Likelihood

Bits/dim over the {test_images:,} images of the split `{test_split}`. It was trained on
`{train_split}`; `{validation_split}` was looked at meanwhile.

| | bits/dim |
|---|---|
{likelihoods}

## Training

- Data: {dataset}.
- {training_hours:.2f} hours by the clock on {machine}; {versions}.
- Commit `{commit}`, with these settings (a config of `trainers.train`):

```json
{config}
```

## Use and limits

For teaching and experiments, as a density, a prior or a codec of images like those it
was trained on. Its likelihood is exact, and yet no measure of how far an image is from
the training data: simple images of other kinds can get a higher one (Nalisnick et al.
2019, arXiv 1810.09136). Samples repeat what the data holds, its gaps included.
"""


def write_card(path: pathlib.Path, name: str, record: Mapping[str, Any]) -> None:
    """Writes the card."""
    versions = record["versions"]
    config = record["config"]
    arguments = ["16", "seed=1"]
    if "label" in record["conditions"]:
        arguments = ["seed=1", f"label=range({config['model']['num_classes']})"]
    sampling = record.get("sampling", {}).items()
    arguments += [f"{name}={value:g}" for name, value in sampling]
    fields = dict(record) | {
        **{x: config[x] for x in ("train_split", "validation_split", "test_split")},
        "name": name,
        "shape": "x".join(map(str, record["image_shape"])),
        "conditions": _conditions(record),
        "example": f"model.sample({', '.join(arguments)})",
        "likelihoods": "\n".join(_likelihoods(record)),
        "versions": ", ".join(f"{key} {value}" for key, value in versions.items()),
        "config": json.dumps(config, indent=2),
    }
    path.write_text(_CARD.format(**fields), encoding="utf-8")


def _conditions(record: Mapping[str, Any]) -> str:
    if not record["conditions"]:
        return "no conditions"
    words = f"given the {' and the '.join(record['conditions'])}"
    if record["test_bits_per_dim_unconditional"] is not None:
        words += ", or nothing"
    if record["label_names"]:
        words += f" (classes: {', '.join(record['label_names'])})"
    return words


def _likelihoods(record: Mapping[str, Any]) -> list[str]:
    given = " and ".join(record["conditions"])
    rows = {f"this model{f', given the {given}' * bool(given)}": "test_bits_per_dim"}
    if record["test_bits_per_dim_unconditional"] is not None:
        rows["this model, given nothing"] = "test_bits_per_dim_unconditional"
    scores = {label: record[field] for label, field in rows.items()}
    return [
        f"| {label} | {bits:.3f} |"
        for label, bits in (scores | record["baselines"]).items()
    ]
