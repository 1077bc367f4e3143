"""Trains an auto-encoder as a config says, and its baseline."""

import functools
import os
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.training import BoundObjective, LikelihoodObjective, Objective
from trainers.autoencoding import pictures, results, settings
from trainers.runs.data import TrainingData
from trainers.runs.training import RunKind, train_and_evaluate


def _make_model(
    config: Mapping[str, Any], data: TrainingData
) -> kp.PixelCNNAutoencoder:
    return kp.PixelCNNAutoencoder(data.image_shape, data.num_levels, **config["model"])


def _objective(config: Mapping[str, Any]) -> Objective:
    return BoundObjective() if config["model"].get("beta") else LikelihoodObjective()


AUTOENCODERS = RunKind(
    settings.check_config,
    _make_model,
    pictures.draw_pictures,
    results.write_results,
    results.format_table,
    "verdict",
    _objective,
)


def train_autoencoder(
    config: Mapping[str, Any],
    workdir: str | os.PathLike[str],
    strategy: tf.distribute.Strategy | None = None,
    on_nonfinite: str = "stop",
) -> dict[str, Any] | None:
    """Trains an auto-encoder and its baseline, and measures both on the test split.

    Interrupted anywhere, it goes on by the same call; see
    `trainers.runs.training.train_and_evaluate`. The baseline goes on after its last
    whole epoch.

    Args:
        config: an `ml_collections.ConfigDict` or a dict with the fields of
            `trainers.configs.autoencoder_digits`.
        workdir: the run's folder. At the end it holds `model.keras`, `mse/model.keras`,
            `metrics.json`, `reconstructions.png`, `interpolations.png`, `export/1`, and
            of the training what other runs hold.
        strategy: as there, of the auto-encoder. The baseline, as small as its encoder,
            is trained on a single device.
        on_nonfinite: as there, of both.

    Returns:
        The content of `metrics.json`. None when the run was asked to stop, and from
        workers that write nothing.

    Raises:
        ValueError: as there, and the rest.
    """
    write = functools.partial(results.write_results, on_nonfinite=on_nonfinite)
    kind = AUTOENCODERS._replace(write_results=write)
    return train_and_evaluate(config, workdir, strategy, on_nonfinite, kind)
