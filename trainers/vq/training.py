"""Trains a VQ-VAE, then a prior over its codes."""

import functools
import shutil
from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.checks import is_integer
from keras_pixelcnn.files import replace_when_written
from keras_pixelcnn.models.base.image_model import ImageLosses
from keras_pixelcnn.training import ImagesInMemory, Objective, Recipe, RunState
from trainers.runs import config as run_config
from trainers.runs.config import (
    ABOVE_ZERO,
    NOT_NEGATIVE,
    SHARE,
    check_images_are_kept,
    check_left_out,
    check_names,
    check_values,
    integer,
)
from trainers.runs.data import (
    LabelledImages,
    as_arrays,
    batches_of,
    load_split,
    num_levels_of,
)
from trainers.runs.run import Run, make_recipe
from trainers.runs.training import RunKind, train
from trainers.vq import results
from trainers.vq.vq_vae import VQVAE, code_features

_SET_BY_DATA = {"input_encoding": "embedding", "likelihood": "categorical"}
_RULES = {
    "num_codes": (
        "an integer from 2 to 65,536",
        lambda value: is_integer(value, 2) and value <= 65_536,
    ),
    "code_dim": integer(1),
    "num_halvings": integer(1),
    "filters": integer(1),
    "num_residual_blocks": integer(1),
    "commitment": NOT_NEGATIVE,
    "decay": SHARE,
    "batch_size": integer(1),
    "epochs": integer(1),
    "learning_rate": ABOVE_ZERO,
}
"""Fields of config.vq_vae."""


def check_config(config: Mapping[str, Any]) -> None:
    """Checks a config's names and values, before anything is loaded or written.

    Raises:
        ValueError: when a field is missing, unknown or out of its range.
    """
    names = ("GatedPixelCNN",)  # the prior
    run_config.check_config(config, names, more_fields=["vq_vae"])
    check_names("config.vq_vae", config.get("vq_vae"), _RULES)
    check_values("config.vq_vae", config["vq_vae"], _RULES)
    for name, value in _SET_BY_DATA.items():
        if config["model"].get(name, value) != value:
            raise ValueError(
                f"config.model.{name} must be {value!r}: codes have no order. "
                f"Received: {config['model'][name]!r}"
            )
    check_images_are_kept(config, "the codes")
    check_left_out(config, ["initial_model", "task", "sample_every"])


class VQData(NamedTuple):
    """Images to train on and to validate by, and the number of their levels."""

    train: LabelledImages
    validation: LabelledImages
    num_levels: int


def _load_data(config: Mapping[str, Any]) -> VQData:
    return VQData(
        as_arrays(load_split(config, config["train_split"])),
        as_arrays(load_split(config, config["validation_split"])),
        num_levels_of(config),
    )


class VQObjective(Objective):
    """The squared error of a `VQVAE`'s reconstructions.

    What is minimised is the error divided by the variance of the pixels, and the
    quantizer's own loss.

    Args:
        variance: of the pixels, scaled to [0, 1].
    """

    name = "squared_error"
    unit = "squared error"

    def __init__(self, variance: float) -> None:
        self._variance = max(variance, 1e-6)

    def losses_of_batch(
        self, model: VQVAE, features: Mapping[str, tf.Tensor], training: bool = False
    ) -> ImageLosses:
        """Computes the squared error of each image; see `Objective`."""
        images = features["image"]
        error = model(images, training=training) - model.scaled(images)
        error = tf.reduce_mean(tf.square(error), axis=(1, 2, 3))
        return ImageLosses(error / self._variance, error)


def train_vq_vae(run: Run) -> None:
    """Trains the VQ-VAE of a run, and writes it to `vq_vae.keras`.

    Raises:
        RunStopped: when the run was asked to stop.
        ValueError: when an argument of the VQ-VAE cannot be.
    """
    config, data, fields = run.config, run.data, dict(run.config["vq_vae"])
    epochs, batch_size = fields.pop("epochs"), fields.pop("batch_size")
    rate = fields.pop("learning_rate")
    images = ImagesInMemory(
        {"image": data.train.image}, batch_size=batch_size, seed=config["seed"]
    )
    shape = data.train.image.shape[1:]
    model = VQVAE(shape, data.num_levels, seed=config["seed"], **fields)
    folder = run.folder.path / "vq_vae"
    run.fit(
        model,
        Recipe(
            epochs * images.steps_per_epoch,
            batch_size,
            optimizer="adam",
            learning_rate=rate,
            decay="constant",
        ),
        images,
        batches_of({"image": data.validation.image}, batch_size),
        folder.name,
        objective=VQObjective(float(model.scaled(data.train.image).numpy().var())),
    )
    with replace_when_written(run.folder.path / results.VQ_VAE) as part:
        shutil.copy(folder / "model.keras", part)


def _train(run: Run) -> RunState:
    """Trains the VQ-VAE, unless it is, and the prior."""
    if not (run.folder.path / results.VQ_VAE).exists():
        train_vq_vae(run)
    vq_vae, config, data = results.load_vq_vae(run.folder), run.config, run.data
    arguments = {"input_encoding": "embedding", **config["model"]}
    num_codes = config["vq_vae"]["num_codes"]
    prior = kp.GatedPixelCNN(vq_vae.code_shape, num_codes, **arguments)

    def prepared(images: LabelledImages) -> dict[str, np.ndarray]:
        features = prior.prepare_features(code_features(vq_vae, images, prior))
        return {name: keras.ops.convert_to_numpy(x) for name, x in features.items()}

    images = ImagesInMemory(
        prepared(data.train),
        batch_size=config["batch_size"],
        seed=config["seed"],
        sampling=config["sampling"],
        labels=data.train.label,
    )
    return run.fit(
        prior,
        make_recipe(config, images.steps_per_epoch),
        images,
        batches_of(prepared(data.validation), config["batch_size"]),
        results.PRIOR,
    )


VQ_PRIORS = RunKind(
    check_config,
    _load_data,
    _train,
    results.write_results,
    results.format_table,
    "prior",
)
"""Runs of a VQ-VAE and a prior over its codes.

At its end the folder holds `metrics.json`, `samples.png`, `vq_vae.keras`, the files of
the VQ-VAE's run in `vq_vae`, the prior's in `prior`, and `config.json`.
"""

train_vq_prior = functools.partial(train, kind=VQ_PRIORS)
"""Trains a VQ-VAE and a prior over its codes, and samples images from both."""
