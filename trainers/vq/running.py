"""Runs the whole: the auto-encoder, the prior over its codes, what both make."""

import math
import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

import keras_pixelcnn as kp
from keras_pixelcnn import datasets
from keras_pixelcnn.callbacks import plan_samples
from keras_pixelcnn.image_grid import save_image_grid
from keras_pixelcnn.models import load_model
from keras_pixelcnn.training import (
    ImagesInMemory,
    LoopOptions,
    Preemption,
    Progress,
    TrainingLoop,
)
from trainers import environment, label_errors
from trainers.data import load_split
from trainers.run_folder import (
    RunFolder,
    full_disk_explained,
    read_json,
    write_json,
)
from trainers.training import make_recipe, make_repeatable
from trainers.vq.settings import check_config
from trainers.vq.training import describe, train_vq_vae
from trainers.vq.vq_vae import VQVAE

_PRIOR = "prior"


class Split(NamedTuple):
    """Images in their order, and their labels or None."""

    image: np.ndarray
    label: np.ndarray | None


def train_vq_prior(
    config: Mapping[str, Any], workdir: str | os.PathLike[str]
) -> dict[str, Any] | None:
    """Trains a VQ-VAE and a prior over its codes, and draws images with both.

    A run that was interrupted goes on where it was. A finished run is not trained
    again.

    Args:
        config: an `ml_collections.ConfigDict` or a dict with the fields of
            `trainers.configs.vq_prior_fashion_mnist`.
        workdir: the run's folder. At the end it holds `metrics.json`, `samples.png`,
            `vq_vae.keras`, the prior's files in `prior` and `config.json`.

    Returns:
        The content of `metrics.json`; None when the run was asked to stop.

    Raises:
        ValueError: when a field of the config is wrong, or the folder belongs to
            another config.
        keras_pixelcnn.datasets.DatasetUnavailableError: when the data is not there.
        OSError: when the disk is full. What was saved before stays.
        keras_pixelcnn.callbacks.NonFiniteLossError: when the prior diverges.
    """
    config = config.to_dict() if hasattr(config, "to_dict") else dict(config)
    check_config(config)
    folder = RunFolder(workdir)
    folder.check(config)
    if folder.metrics.exists():
        print(f"{folder.path} holds this run, finished. Remove it to train anew.")
        return _tell(read_json(folder.metrics))
    with Preemption() as preemption, full_disk_explained(workdir):
        make_repeatable(config)
        train = _load(config, config["train_split"])
        validation = _load(config, config["validation_split"])
        folder.claim(config)
        vq_vae = train_vq_vae(
            config,
            _num_levels(config),
            train.image,
            validation.image,
            folder.path,
            preemption,
        )
        if vq_vae is None:
            return None
        hint = f"config.model.num_classes must fit the labels of {config['dataset']}."
        with label_errors.explained(hint):
            loop = _prior_loop(config, vq_vae, train, validation, folder, preemption)
            progress = loop.run()
        if progress.is_stopped:
            return None
        preemption.stop_if_asked()
        return _tell(_write_results(config, vq_vae, folder, progress))


def _load(config: Mapping[str, Any], split: str) -> Split:
    batches = list(load_split(config, split).batch(1024).as_numpy_iterator())
    images = np.concatenate([batch["image"] for batch in batches])
    labels = None
    if config["model"].get("num_classes") is not None:
        labels = np.concatenate([batch["label"] for batch in batches])
    return Split(images, labels)


def _num_levels(config: Mapping[str, Any]) -> int:
    native = datasets.native_num_levels
    return config["num_levels"] or native(config["dataset"], config["data_dir"])


def _features(vq_vae: VQVAE, split: Split) -> dict[str, np.ndarray]:
    """The codes of a split, and its labels if there are any."""
    features = {"image": vq_vae.encode(split.image)}
    return features if split.label is None else {**features, "label": split.label}


def _prior_loop(
    config: dict[str, Any],
    vq_vae: VQVAE,
    train: Split,
    validation: Split,
    folder: RunFolder,
    preemption: Preemption,
) -> TrainingLoop:
    num_codes = config["vq_vae"]["num_codes"]
    arguments = {"input_encoding": "embedding", **config["model"]}
    prior = kp.GatedPixelCNN(vq_vae.code_shape, num_codes, **arguments)

    def prepared(split: Split) -> dict[str, np.ndarray]:
        features = prior.prepare_features(_features(vq_vae, split))
        return {name: np.asarray(value) for name, value in features.items()}

    images = ImagesInMemory(
        prepared(train),
        batch_size=config["batch_size"],
        seed=config["seed"],
        sampling=config["sampling"],
        labels=train.label,
    )
    validated = prepared(validation)

    def batches() -> Iterator[dict[str, np.ndarray]]:
        size = config["batch_size"]
        for i in range(0, len(validated["image"]), size):
            yield {name: value[i : i + size] for name, value in validated.items()}

    return TrainingLoop(
        prior,
        make_recipe(config, images.steps_per_epoch),
        images,
        batches,
        folder.path / _PRIOR,
        options=LoopOptions(config["checkpoint_every"], config["log_every"]),
        preemption=preemption,
    )


def _write_results(
    config: Mapping[str, Any], vq_vae: VQVAE, folder: RunFolder, progress: Progress
) -> dict[str, Any]:
    prior = load_model(folder.path / _PRIOR / "model.keras")
    test = _load(config, config["test_split"])
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
            **_scores(prior, _features(vq_vae, test)),
            "uniform_bits_per_dim": math.log2(prior.num_levels),
            "parameters": prior.count_params(),
            "best_epoch": progress.best_epoch,
            "steps": progress.step,
            "training_seconds": progress.seconds,
        },
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
    chosen = np.arange(classes)
    if test.label is not None:
        chosen = [np.argmax(test.label == each) for each in range(classes)]
    originals = test.image[chosen].astype("int32")
    anew = vq_vae.decode(vq_vae.encode(originals))
    images = np.concatenate([originals, anew, vq_vae.decode(samples.numpy())])
    save_image_grid(folder.samples, images, vq_vae.num_levels, columns=classes)


def _tell(metrics: dict[str, Any]) -> dict[str, Any]:
    print(format_table(metrics))
    return metrics


def format_table(metrics: Mapping[str, Any]) -> str:
    """The metrics of a finished run, to be read.

    Args:
        metrics: what `train_vq_prior` returns.
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
    ]
    return "\n".join(lines)
