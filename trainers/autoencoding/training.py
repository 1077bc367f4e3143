"""Trains an auto-encoder as a config says, and its baseline."""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

import keras_pixelcnn as kp
from keras_pixelcnn.models import load_model
from keras_pixelcnn.training import (
    BoundObjective,
    LikelihoodObjective,
    Objective,
    RunState,
    SquaredErrorObjective,
)
from trainers.autoencoding import pictures, results
from trainers.image_models.training import train_model
from trainers.runs import config as run_config
from trainers.runs.config import (
    ABOVE_ZERO,
    BOOLEAN,
    SAMPLING_RULES,
    check_guidance,
    check_left_out,
    check_names,
    check_values,
    integer,
)
from trainers.runs.data import (
    TrainingData,
    as_arrays,
    load_training_data,
    training_images,
    validation_batches,
)
from trainers.runs.run import Run, make_recipe
from trainers.runs.training import RunKind, train

_RULES = {
    "mse_epochs": integer(1),
    "mse_learning_rate": ABOVE_ZERO,
    "begins_with_mse": BOOLEAN,
    "probe_images": integer(1),
    "accuracy_images": integer(1),
    "num_rows": integer(1),
    "num_reconstructions": integer(1),
    "importance_samples": integer(1),
    **SAMPLING_RULES,
}
"""Fields of config.autoencoder."""

_SHARED = ("latent_dim", "encoder_filters", "dtype")
"""Arguments that the baseline has from the model that it stands beside."""


def check_config(config: Mapping[str, Any]) -> None:
    """Checks a config's names, and the values that the library would not check.

    Raises:
        ValueError: when a field is missing, unknown or out of its range.
    """
    names = ("PixelCNNAutoencoder",)
    run_config.check_config(config, names, more_fields=["autoencoder"])
    check_names("config.autoencoder", config.get("autoencoder"), _RULES)
    check_values("config.autoencoder", config["autoencoder"], _RULES)
    check_guidance(config, "autoencoder")
    check_left_out(config, ["task"])
    if config["autoencoder"]["begins_with_mse"] and config["model"].get("beta"):
        raise ValueError(
            "config.autoencoder.begins_with_mse must be False where the model is "
            "variational: the baseline's encoder has no deviations. "
            f"Received: config.model.beta={config['model']['beta']}"
        )


def _make_objective(config: Mapping[str, Any]) -> Objective:
    return BoundObjective() if config["model"].get("beta") else LikelihoodObjective()


def _train(run: Run) -> RunState:
    train_baseline(run)

    def make_model(
        config: Mapping[str, Any], data: TrainingData
    ) -> kp.PixelCNNAutoencoder:
        model = kp.PixelCNNAutoencoder(
            data.image_shape, data.num_levels, **config["model"]
        )
        if config["autoencoder"]["begins_with_mse"]:
            path = run.folder.path / results.BASELINE / "model.keras"
            images = as_arrays(data.validation).image
            begin_with(load_model(path, kp.MSEAutoencoder), model, images)
        return model

    return train_model(run, make_model, pictures.sample_pictures, _make_objective)


def begin_with(
    baseline: kp.MSEAutoencoder, model: kp.PixelCNNAutoencoder, images: np.ndarray
) -> None:
    """Begins with the baseline's encoder, and a decoder that does not listen yet.

    A decoder that is trained already ignores an encoder that begins anew, before that
    has anything to say.

    Args:
        baseline: its encoder is as the model's.
        model: changed in place. Each number of its latent gets a mean of 0 and a
            deviation of 1; the gates begin without the latent.
        images: integers (images, height, width, channels) that say how to scale it.
    """
    for own, given in zip(model.encoder.weights, baseline.encoder.weights, strict=True):
        own.assign(given)
    latent = baseline.encode(images).numpy()
    mean, deviation = latent.mean(axis=0), np.maximum(latent.std(axis=0), 1e-6)
    dense = model.encoder.dense
    dense.kernel.assign(dense.kernel / deviation)
    dense.bias.assign((dense.bias - mean) / deviation)
    for weight in model.decoder.weights:
        if weight.path.endswith(("embedding/kernel", "spatial/kernel")):
            weight.assign(np.zeros(weight.shape))


def begin_with_mean(baseline: kp.MSEAutoencoder, images: np.ndarray) -> None:
    """Begins with pixels as bright as they are on average.

    From the middle of the range the first steps on mostly black images, such as
    letters, drive all pixels to where the sigmoid has no gradient.

    Args:
        baseline: changed in place.
        images: integers (images, height, width, channels).
    """
    mean = images.mean(axis=(0, 1, 2)) / (baseline.num_levels - 1)
    mean = np.clip(mean, 0.01, 0.99)
    baseline.decoder.pixels.bias.assign(np.log(mean / (1 - mean)))


def train_baseline(run: Run) -> RunState:
    """Trains the baseline, the same encoder and latent with squared error, in mse/.

    Raises:
        RunStopped: when the run was asked to stop.
    """
    config, data, fields = run.config, run.data, run.config["autoencoder"]
    given = {name: config["model"][name] for name in _SHARED if name in config["model"]}
    own = {
        "epochs": fields["mse_epochs"],
        "steps": None,
        "learning_rate": fields["mse_learning_rate"],
    }
    with run.strategy.scope():
        model = kp.MSEAutoencoder(data.image_shape, data.num_levels, **given)
        begin_with_mean(model, as_arrays(data.validation).image)
    return run.fit(
        model,
        make_recipe({**config, **own}, data.steps_per_epoch),
        training_images(config, data, model.prepare_features),
        validation_batches(config, data, model.prepare_features),
        results.BASELINE,
        objective=SquaredErrorObjective(),
    )


AUTOENCODERS = RunKind(
    check_config,
    load_training_data,
    _train,
    results.write_results,
    results.format_table,
    "verdict",
)
"""Runs of an auto-encoder and its baseline.

At its end the folder holds `model.keras`, `mse/model.keras`, `metrics.json`,
`reconstructions.png`, `interpolations.png`, `export/1`, and of the training what other
runs hold.
"""

train_autoencoder = functools.partial(train, kind=AUTOENCODERS)
"""Trains an auto-encoder and its baseline, and measures both on the test split."""
