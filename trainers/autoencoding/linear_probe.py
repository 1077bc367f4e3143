"""How much of an image's label a linear classifier finds in its latent."""

import warnings
from typing import Any

import numpy as np
import tensorflow as tf


def labelled_arrays(
    examples: tf.data.Dataset, most: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of a split.

    Args:
        examples: single examples of {"image", "label"}, of known number.
        most: takes so many, chosen at random, always the same ones. Default: all.

    Returns:
        Images (n, height, width, channels), and labels (n,): -1 where there is none.
    """
    batches = list(examples.batch(256).as_numpy_iterator())
    images = np.concatenate([batch["image"] for batch in batches])
    labels = np.concatenate([batch["label"] for batch in batches])
    if most is None or len(images) <= most:
        return images, labels
    chosen = np.random.default_rng(0).choice(len(images), most, replace=False)
    return images[np.sort(chosen)], labels[np.sort(chosen)]


def probe_accuracy(
    model: Any,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
) -> float | None:
    """The accuracy of a logistic regression from latents to labels.

    It learns on training images, from latents scaled to unit variance, and is measured
    on test images.

    Args:
        model: with `encode`.
        train: images and labels.
        test: images and labels.

    Returns:
        The share of test images whose label it finds; None without labels, or with only
        one class of them.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    labels = np.concatenate([train[1], test[1]])
    if labels.min() < 0 or len(np.unique(train[1])) < 2:
        return None
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    with warnings.catch_warnings():
        # Latents in which classes lie apart let the weights grow without end.
        warnings.simplefilter("ignore", ConvergenceWarning)
        probe.fit(model.encode(train[0]).numpy(), train[1])
    return float(probe.score(model.encode(test[0]).numpy(), test[1]))
