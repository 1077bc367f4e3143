"""Pictures of a model as it learns: samples and completions, always by one seed."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

import keras_pixelcnn as kp
from keras_pixelcnn.callbacks import plan_samples
from keras_pixelcnn.image_grid import save_image_grid
from keras_pixelcnn.training import RunRecords
from trainers.sampling.completions import save_completions


def draw_pictures(
    model: kp.AutoregressiveImageModel,
    examples: tf.data.Dataset,
    config: Mapping[str, Any],
    step: int,
    records: RunRecords,
) -> None:
    """Draws samples and completions, for the run's folder and for TensorBoard.

    Args:
        model: with the weights that are to be seen.
        examples: single examples, of which some are completed.
        config: with the fields of `trainers.configs.digits`.
        step: the training step.
        records: of the run, in whose folder the pictures are.
    """
    seed, name = config["sample_seed"], f"step-{step:08}.png"
    plan = plan_samples(model, config["num_samples"])
    samples = model.sample(plan.num_samples, seed=seed, **plan.conditions).numpy()
    path = records.folder / "samples" / name
    save_image_grid(path, samples, model.num_levels, plan.columns)
    log_picture(records, "samples", path, step)
    path = records.folder / "completions" / name
    save_completions(path, model, examples, seed=seed)
    log_picture(records, "completions", path, step)


def log_picture(records: RunRecords, name: str, path: pathlib.Path, step: int) -> None:
    """Shows a PNG file in TensorBoard.

    Args:
        records: of the run.
        name: of the series of pictures.
        path: of the file.
        step: the training step.
    """
    with Image.open(path) as file:
        picture = np.asarray(file)
    picture = picture.reshape(*picture.shape[:2], -1)
    records.event_log.picture(name, name, picture, step)
