"""Trains the baseline: the same encoder and latent, with squared error."""

import pathlib
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

import keras_pixelcnn as kp
from keras_pixelcnn.files import replace_when_written
from keras_pixelcnn.models import load_model
from keras_pixelcnn.training import TrainingImages
from trainers.data import TrainingData, as_array, training_images


def train_baseline(
    config: Mapping[str, Any], data: TrainingData, folder: pathlib.Path
) -> kp.MSEAutoencoder:
    """Trains it, and keeps the weights that validate best.

    Called again on the same folder it goes on after the last whole epoch, with the same
    result.

    Args:
        config: of the run; `autoencoder.mse_epochs` says how long, the encoder and the
            length of the latent are those of `model`.
        data: of the config.
        folder: of the baseline: model.keras, the best, and last.keras.

    Returns:
        The best.
    """
    last, best = folder / "last.keras", folder / "model.keras"
    validation = as_array(data.validation)
    if last.exists():
        model = load_model(last, kp.MSEAutoencoder)
        images = training_images(config, data, model.prepare_features)
        least = mean_squared_error(
            load_model(best, kp.MSEAutoencoder), validation, config["batch_size"]
        )
    else:
        model = _new_model(config, data)
        images = training_images(config, data, model.prepare_features)
        least = np.inf
    length = images.steps_per_epoch
    for epoch in range(int(model.optimizer.iterations) // length, _epochs(config)):
        train_epoch(model, images, epoch)
        error = mean_squared_error(model, validation, config["batch_size"])
        print(f"MSE epoch {epoch + 1}/{_epochs(config)} - val: {error:.5f}", flush=True)
        for path in (best, last) if error < least else (last,):
            with replace_when_written(path) as part:
                model.save(part)
        least = min(least, error)
    return load_model(best, kp.MSEAutoencoder)


def _epochs(config: Mapping[str, Any]) -> int:
    return config["autoencoder"]["mse_epochs"]


def _new_model(config: Mapping[str, Any], data: TrainingData) -> kp.MSEAutoencoder:
    names = ("latent_dim", "encoder_filters", "dtype")
    given = {name: config["model"][name] for name in names if name in config["model"]}
    model = kp.MSEAutoencoder(data.image_shape, data.num_levels, **given)
    schedule = kp.WarmupThenDecay(
        config["autoencoder"]["mse_learning_rate"],
        _epochs(config) * data.steps_per_epoch,
        decay="cosine",
    )
    model.compile(keras.optimizers.Adam(schedule))
    return model


def train_epoch(model: kp.MSEAutoencoder, images: TrainingImages, epoch: int) -> None:
    """Trains on the batches of one epoch, in its order."""
    model.fit(images.batches(epoch), steps_per_epoch=images.steps_per_epoch, verbose=0)


def mean_squared_error(
    model: kp.MSEAutoencoder, images: np.ndarray, batch_size: int
) -> float:
    """Of pixel values scaled to [0, 1], over all images."""
    logs = model.evaluate(images, batch_size=batch_size, verbose=0, return_dict=True)
    return logs["mean_squared_error"]
