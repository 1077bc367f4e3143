"""Trains the baseline: the same encoder and latent, with squared error."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

import keras_pixelcnn as kp
from keras_pixelcnn.models import load_model
from keras_pixelcnn.training import (
    LoopOptions,
    SquaredErrorObjective,
    TrainingLoop,
)
from trainers.runs.data import TrainingData, training_images, validation_batches
from trainers.runs.training import make_recipe

_SHARED = ("latent_dim", "encoder_filters", "dtype")
"""Arguments that the baseline has from the model that it stands beside."""


def train_baseline(
    config: Mapping[str, Any],
    data: TrainingData,
    folder: pathlib.Path,
    on_nonfinite: str = "stop",
) -> kp.MSEAutoencoder:
    """Trains it, and keeps the weights that validate best.

    Called again on the same folder it goes on after the last checkpoint, or, when it
    has been trained, does not train again.

    Args:
        config: of the run; `autoencoder` says how long and at which rate, `model` what
            the encoder is like, and the rest is as for the model.
        data: of the config.
        folder: of the baseline: model.keras, checkpoints, history and logs.
        on_nonfinite: "stop" at a step whose loss or gradient is not finite, or "skip"
            it.

    Returns:
        The best.
    """
    fields = config["autoencoder"]
    given = {name: config["model"][name] for name in _SHARED if name in config["model"]}
    model = kp.MSEAutoencoder(data.image_shape, data.num_levels, **given)
    own = {
        "epochs": fields["mse_epochs"],
        "steps": None,
        "learning_rate": fields["mse_learning_rate"],
    }
    print("The baseline, an auto-encoder with squared error:", flush=True)
    TrainingLoop(
        model,
        make_recipe({**config, **own}, data.steps_per_epoch),
        training_images(config, data, model.prepare_features),
        validation_batches(config, data, model.prepare_features),
        folder,
        options=LoopOptions(
            config["checkpoint_every"], config["log_every"], on_nonfinite
        ),
        objective=SquaredErrorObjective(),
    ).run()
    return load_model(folder / "model.keras", kp.MSEAutoencoder)


def mean_squared_error(
    model: kp.MSEAutoencoder, images: np.ndarray, batch_size: int
) -> float:
    """Of pixel values scaled to [0, 1], over all images."""
    logs = model.evaluate(images, batch_size=batch_size, verbose=0, return_dict=True)
    return logs["mean_squared_error"]
