"""Sample quality: a model's samples beside the real images of a split."""

import os
import pathlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.evaluation import SampleQuality, sample_quality
from trainers.runs.data import as_arrays
from trainers.runs.run_folder import write_json
from trainers.scoring.scoring import conditions_of_score

_NAMES = {
    "frechet": "Fréchet distance",
    "kernel": "kernel distance",
    "precision": "precision",
    "recall": "recall",
}


def measure(
    model: kp.AutoregressiveImageModel,
    examples: tf.data.Dataset,
    num_samples: int,
    features: str | os.PathLike[str] | None = None,
    train: tf.data.Dataset | None = None,
    batch_size: int = 64,
    seed: int = 0,
    **options: Any,
) -> SampleQuality:
    """Samples images, and compares them with all images of a split.

    Args:
        model: any; its conditions are those of the examples, in their order.
        examples: single examples of real images that it was not trained on.
        num_samples: how many to sample.
        features: a `.keras` file of a model that makes vectors (batch, n) of images of
            levels. Default: the pixels themselves.
        train: examples that it was trained on, to tell whether it learned them by
            heart. Default: that is not told.
        batch_size: images sampled at once. Default 64.
        seed: of the samples. Default 0.
        **options: as for the model's `sample`: temperature, top_p, guidance_scale.

    Raises:
        ValueError: when the examples lack a condition, or an argument is wrong.
    """
    names = conditions_of_score(model, held=examples.element_spec)
    seeds, images = kp.example_seeds(seed, num_samples).numpy(), []
    rows = examples.repeat().take(num_samples).batch(batch_size)
    for index, batch in enumerate(rows.as_numpy_iterator()):
        own = seeds[index * batch_size : (index + 1) * batch_size]
        given = {name: batch[name] for name in names}
        images.append(model.sample(len(own), own, **options, **given).numpy())
    network = None
    if features is not None:
        network = keras.models.load_model(features).predict_on_batch
    return sample_quality(
        np.concatenate(images),
        as_arrays(examples).image,
        model.num_levels,
        network,
        train=None if train is None else as_arrays(train).image,
        seed=seed,
    )


def write(path: str | os.PathLike[str], quality: SampleQuality) -> None:
    """Writes the figures as JSON; `quality.json` in a run's folder is in its report.

    Args:
        path: the file; replaced whole or not at all.
        quality: what `measure` returns.
    """
    figures = {
        title: getattr(quality, name)._asdict() for name, title in _NAMES.items()
    }
    if quality.memorisation is not None:
        share = {"value": quality.memorisation.share, "standard_error": None}
        figures["nearer to training images than unseen ones"] = share
    counts = {"num_generated": quality.num_generated, "num_real": quality.num_real}
    write_json(pathlib.Path(path), {"figures": figures, **counts})
