"""Measures a trained prior over codes and writes what a finished run holds."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

import keras_pixelcnn as kp
from keras_pixelcnn.callbacks import plan_samples
from keras_pixelcnn.image_grid import save_image_grid
from keras_pixelcnn.models import load_model
from keras_pixelcnn.training import Progress
from trainers.runs import environment
from trainers.runs.run_folder import RunFolder, write_json
from trainers.vq.classifier_accuracy import judge_codes
from trainers.vq.splits import Split, code_features, load_arrays
from trainers.vq.training import describe
from trainers.vq.vq_vae import VQVAE

PRIOR = "prior"
"""The prior's folder, in that of the run."""


def write_results(
    config: Mapping[str, Any],
    vq_vae: VQVAE,
    train: Split,
    folder: RunFolder,
    progress: Progress,
) -> dict[str, Any]:
    """Measures both on the test split, and has a classifier judge what they make.

    Args:
        config: with the fields of `trainers.configs.vq_prior_fashion_mnist`.
        vq_vae: the auto-encoder.
        train: images that the classifier learns from, with their labels if any.
        folder: the run's, which holds the best prior.
        progress: of the prior's training, at its end.

    Returns:
        What was written to `metrics.json`, which is written last.

    Raises:
        ValueError: when the decoder's pixels are not finite.
    """
    prior = load_model(folder.path / PRIOR / "model.keras")
    test = load_arrays(config, config["test_split"])
    _save_picture(config, vq_vae, prior, test, folder)
    metrics = {
        "dataset": config["dataset"],
        "test_split": config["test_split"],
        "test_images": len(test.image),
        "image_shape": list(vq_vae.image_shape),
        "code_shape": list(vq_vae.code_shape),
        "num_codes": prior.num_levels,
        "vq_vae": {
            **{f"test_{k}": v for k, v in describe(vq_vae, test.image).items()},
            "parameters": vq_vae.count_params(),
        },
        "prior": {
            **_scores(prior, code_features(vq_vae, test)),
            "uniform_bits_per_dim": math.log2(prior.num_levels),
            "parameters": prior.count_params(),
            "best_epoch": progress.best_epoch,
            "steps": progress.step,
            "training_seconds": progress.seconds,
        },
        "classifier": judge_codes(vq_vae, prior, train, test, config["sample_seed"]),
        "seed": config["seed"],
        **environment.describe(),
    }
    write_json(folder.metrics, metrics)
    return metrics


def _scores(
    prior: kp.AutoregressiveImageModel, features: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """Bits of a code, and of all codes of an image, given the label if there is one."""
    codes = features["image"]
    given = {name: value for name, value in features.items() if name != "image"}
    scores = {"": prior.log_prob(codes, **given)}
    if prior.conditions.optional:
        scores["_unconditional"] = prior.log_prob(codes)
    found = {}
    for name, nats in scores.items():
        bits = -float(np.mean(nats.numpy(), dtype="float64")) / math.log(2)
        found[f"test_bits_per_dim{name}"] = bits / prior.num_dims
        found[f"test_bits_per_image{name}"] = bits
    return found


def _save_picture(
    config: Mapping[str, Any],
    vq_vae: VQVAE,
    prior: kp.AutoregressiveImageModel,
    test: Split,
    folder: RunFolder,
) -> None:
    """A row of originals, one of what comes back of them, and rows of samples.

    With labels there is a column for each class.
    """
    classes = prior.conditions.num_classes or 10
    plan = plan_samples(prior, config["num_samples"])
    conditions, rows = dict(plan.conditions), max(plan.num_samples // classes, 1)
    if "label" in conditions:
        conditions["label"] = np.tile(np.arange(classes), rows)
    samples = prior.sample(rows * classes, config["sample_seed"], **conditions)
    originals, anew = _examples(vq_vae, test, classes)
    images = np.concatenate([originals, anew, vq_vae.decode(samples.numpy())])
    save_image_grid(folder.samples, images, vq_vae.num_levels, columns=classes)


def _examples(vq_vae: VQVAE, test: Split, number: int) -> tuple[np.ndarray, np.ndarray]:
    """An image of each class, or the first ones, and what comes back of them.

    Zeros stand for images that the split does not have.
    """
    chosen = np.arange(min(number, len(test.image)))
    places = chosen
    if test.label is not None:
        places, chosen = np.unique(test.label, return_index=True)
        places, chosen = places[places < number], chosen[places < number]
    found = test.image[chosen].astype("int32")
    originals = np.zeros((number, *vq_vae.image_shape), "int32")
    anew = np.zeros_like(originals)
    originals[places] = found
    anew[places] = vq_vae.decode(vq_vae.encode(found))
    return originals, anew


def format_table(metrics: Mapping[str, Any]) -> str:
    """The metrics of a finished run, to be read.

    Args:
        metrics: what `write_results` returns.
    """
    vq_vae, prior = metrics["vq_vae"], metrics["prior"]
    codes = "x".join(map(str, metrics["code_shape"][:2]))
    lines = [
        f"{metrics['test_images']} images of {metrics['dataset']}, split "
        f"{metrics['test_split']}; {codes} codes of {metrics['num_codes']}",
        f"  {'squared error':24}{vq_vae['test_squared_error']:.5f}",
        f"  {'perplexity':24}{vq_vae['test_perplexity']:.1f}, "
        f"{vq_vae['test_codes_used']} codes used",
        f"  {'prior, bits/dim':24}{prior['test_bits_per_dim']:.4f} "
        f"(uniform {prior['uniform_bits_per_dim']:.4f})",
        f"  {'prior, bits/image':24}{prior['test_bits_per_image']:.2f}",
        f"  {'training time of prior':24}{prior['training_seconds']:.0f} s",
        *_judged_lines(metrics.get("classifier")),
    ]
    return "\n".join(lines)


def _judged_lines(judged: Mapping[str, Any] | None) -> list[str]:
    if judged is None:
        return []
    rows = {
        "real images": "test_accuracy",
        "reconstructions": "reconstruction_accuracy",
        "samples": "sample_accuracy",
        "guided samples": "guided_sample_accuracy",
    }
    return [
        "  taken for their class by a classifier",
        *(
            f"    {said:22}{judged[name]:.4f}"
            for said, name in rows.items()
            if name in judged
        ),
    ]
