"""Runs the whole: the auto-encoder, the prior over its codes, what both make."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

import keras_pixelcnn as kp
from keras_pixelcnn import datasets
from keras_pixelcnn.training import (
    ImagesInMemory,
    LoopOptions,
    Preemption,
    TrainingLoop,
)
from trainers.command_line import label_errors
from trainers.runs.run_folder import RunFolder, full_disk_explained, read_json
from trainers.runs.training import make_recipe, make_repeatable
from trainers.vq.results import PRIOR, format_table, write_results
from trainers.vq.settings import check_config
from trainers.vq.splits import Split, code_features, load_arrays
from trainers.vq.training import train_vq_vae
from trainers.vq.vq_vae import VQVAE


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
        keras_pixelcnn.callbacks.NonFiniteLossError: when the auto-encoder or the
            prior diverges.
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
        train = load_arrays(config, config["train_split"])
        validation = load_arrays(config, config["validation_split"])
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
        return _tell(write_results(config, vq_vae, train, folder, progress))


def _num_levels(config: Mapping[str, Any]) -> int:
    native = datasets.native_num_levels
    return config["num_levels"] or native(config["dataset"], config["data_dir"])


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
        features = prior.prepare_features(code_features(vq_vae, split))
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
        folder.path / PRIOR,
        options=LoopOptions(config["checkpoint_every"], config["log_every"]),
        preemption=preemption,
    )


def _tell(metrics: dict[str, Any]) -> dict[str, Any]:
    print(format_table(metrics))
    return metrics
