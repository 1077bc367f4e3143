"""Pictures of samples given embeddings of identities that were never seen."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

import keras_pixelcnn as kp
from trainers.runs.config import sampling_options
from trainers.runs.data import LabelledImages, in_batches
from trainers.sampling.pictures import save_rows

_SAMPLED_AT_ONCE = 256
_REAL_COLUMNS = 3
"""Number of the identity's images beside its source, to compare with."""


def sample_from_sources(
    model: kp.AutoregressiveImageModel,
    embedding: np.ndarray,
    images_each: int,
    seed: int,
    **options: float,
) -> np.ndarray:
    """Samples several images for each embedding.

    Args:
        model: given embeddings.
        embedding: floats (n, d).
        images_each: number of images of each.
        seed: of the noise.
        **options: guidance_scale, top_p, as of `sample`.

    Returns:
        Integers (n * images_each, height, width, channels), those of one embedding
        after another.
    """
    repeated = np.repeat(embedding, images_each, axis=0)
    seeds = kp.example_seeds(seed, len(repeated)).numpy()
    return in_batches(
        lambda seed, embedding: model.sample(seed=seed, embedding=embedding, **options),
        _SAMPLED_AT_ONCE,
        seeds,
        repeated,
    )


def save_samples(
    path: str | os.PathLike[str],
    model: kp.AutoregressiveImageModel,
    test: LabelledImages,
    embedding: np.ndarray,
    options: Mapping[str, Any],
    seed: int,
) -> None:
    """Writes a picture with a row per identity: source, other images, samples.

    Args:
        path: of the PNG file.
        model: given embeddings.
        test: identities that were never seen.
        embedding: floats (n, d), of its images.
        options: `config.drawing`: "rows", "columns" of drawn images, and how they are
            sampled.
        seed: of the sources and the noise.
    """
    generator = np.random.Generator(np.random.Philox(seed))
    identities, counts = np.unique(test.label, return_counts=True)
    several = identities[counts > 1]
    chosen = generator.permutation(several)[: options["rows"]]
    real = []
    for identity in chosen:  # some images twice if need be
        rows = generator.permutation(np.flatnonzero(test.label == identity))
        real.append(np.resize(rows, 1 + _REAL_COLUMNS))
    real = np.stack(real)
    drawn = sample_from_sources(
        model,
        embedding[real[:, 0]],
        options["columns"],
        seed,
        **sampling_options(options),
    )
    drawn = drawn.reshape(len(chosen), options["columns"], *model.image_shape)
    blank = np.full_like(drawn[:, :1], model.num_levels - 1)
    rows = np.concatenate([test.image[real], blank, drawn], axis=1)
    save_rows(path, rows, model.num_levels)
