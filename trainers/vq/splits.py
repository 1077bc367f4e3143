"""The images of a split as arrays, and the codes of them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from trainers.runs.data import load_split
from trainers.vq.vq_vae import VQVAE


class Split(NamedTuple):
    """Images in their order, and their labels or None."""

    image: np.ndarray
    label: np.ndarray | None


def load_arrays(config: Mapping[str, Any], split: str) -> Split:
    """A whole split in memory, with labels where the prior takes them.

    Args:
        config: with the fields of `trainers.configs.vq_prior_fashion_mnist`.
        split: its name, or a part of it.
    """
    batches = list(load_split(config, split).batch(1024).as_numpy_iterator())
    images = np.concatenate([batch["image"] for batch in batches])
    labels = None
    if config["model"].get("num_classes") is not None:
        labels = np.concatenate([batch["label"] for batch in batches])
    return Split(images, labels)


def code_features(vq_vae: VQVAE, split: Split) -> dict[str, np.ndarray]:
    """The codes of a split, and its labels if there are any.

    Args:
        vq_vae: what makes the codes.
        split: its images and labels.
    """
    features = {"image": vq_vae.encode(split.image)}
    return features if split.label is None else {**features, "label": split.label}
