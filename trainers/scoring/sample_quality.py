"""Sample quality: a model's samples beside the real images of a split."""

import os
import pathlib
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.evaluation import (
    SampleQuality,
    extract,
    nearest_images,
    sample_quality,
)
from trainers.runs.data import as_arrays
from trainers.runs.run_folder import write_json
from trainers.sampling.pictures import save_rows
from trainers.scoring.scoring import conditions_of_score

_NAMES = {
    "frechet": "Fréchet distance",
    "kernel": "kernel distance",
    "precision": "precision",
    "recall": "recall",
}

_MOST_SHOWN = 10
_NUM_NEAREST = 4


class Comparison(NamedTuple):
    """The quality of samples, and the images that they may have been copied from.

    Attributes:
        quality: all measures.
        nearest: the first samples, each before the training images that are nearest to
            it: integers (samples, 1 + nearest, height, width, channels). None where no
            training images were given.
        num_levels: of the images.
    """

    quality: SampleQuality
    nearest: np.ndarray | None
    num_levels: int


def measure(
    model: kp.AutoregressiveImageModel,
    examples: tf.data.Dataset,
    num_samples: int,
    features: keras.Model | None = None,
    train: tf.data.Dataset | None = None,
    batch_size: int = 64,
    seed: int = 0,
    **options: Any,
) -> Comparison:
    """Samples images, and compares them with all images of a split.

    Args:
        model: any; its conditions are those of the examples, in their order.
        examples: single examples of real images that it was not trained on.
        num_samples: how many to sample.
        features: a model that makes vectors (batch, n) of images of levels. Default:
            the pixels themselves.
        train: examples that it was trained on, to tell whether it learned them by
            heart, and to show those nearest to samples. Default: that is not told.
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
    network = None if features is None else features.predict_on_batch
    samples, seen = np.concatenate(images), None
    if train is not None:
        seen = as_arrays(train).image
    real = as_arrays(examples).image
    quality = sample_quality(
        samples, real, model.num_levels, network, train=seen, seed=seed
    )
    if seen is None:
        return Comparison(quality, None, model.num_levels)
    shown, count = samples[:_MOST_SHOWN], min(_NUM_NEAREST, len(seen))
    places = nearest_images(extract(shown, network), extract(seen, network), count)
    beside = np.concatenate([shown[:, np.newaxis], seen[places.indices]], axis=1)
    return Comparison(quality, beside, model.num_levels)


def write(path: str | os.PathLike[str], compared: Comparison) -> None:
    """Writes the figures as JSON, and beside them the picture of the nearest images.

    In a run's folder `quality.json` and `quality_nearest.png` are in its report.

    Args:
        path: the JSON file; files are replaced whole or not at all.
        compared: what `measure` returns.
    """
    path, quality = pathlib.Path(path), compared.quality
    figures = {
        title: getattr(quality, name)._asdict() for name, title in _NAMES.items()
    }
    if quality.memorisation is not None:
        share = {"value": quality.memorisation.share, "standard_error": None}
        figures["nearer to training images than unseen ones"] = share
    counts = {"num_generated": quality.num_generated, "num_real": quality.num_real}
    write_json(path, {"figures": figures, **counts})
    picture = path.with_name(f"{path.stem}_nearest.png")
    if compared.nearest is None:
        picture.unlink(missing_ok=True)  # of another comparison
        return
    save_rows(picture, compared.nearest, compared.num_levels, min_side=64)
