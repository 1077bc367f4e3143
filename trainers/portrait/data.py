"""Images of identities, divided so that no identity is in two splits."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from keras_pixelcnn.datasets import splits
from trainers.runs.data import LabelledImages, as_arrays, load_split, num_levels_of


class PortraitData(NamedTuple):
    """Images to train on, validate by and measure on; no identity is in two of them.

    Labels are the identities.
    """

    train: LabelledImages
    validation: LabelledImages
    test: LabelledImages
    num_levels: int


def load_portraits(config: Mapping[str, Any]) -> PortraitData:
    """Loads all images into memory.

    Raises:
        ValueError: when images have no identity, an identity is in two splits, or a
            split has fewer than two.
    """
    names = ("train", "validation", "test")
    if config["divide_identities"]:
        images, labels = _load(config, config["train_split"])
        identities, parts = np.unique(labels), []
        for name in names:  # 80, 10 and 10 percent of the identities
            chosen = identities[splits.choose(name, len(identities))]
            rows = np.isin(labels, chosen)
            parts.append(LabelledImages(images[rows], labels[rows]))
    else:
        parts = [_load(config, config[f"{name}_split"]) for name in names]
        identities = np.concatenate([np.unique(part.label) for part in parts])
        if len(np.unique(identities)) < len(identities):
            raise ValueError(
                "No identity may be in two splits, so that those of the test split are "
                "new to the models. Set config.divide_identities, which divides the "
                "identities of config.train_split, to True."
            )
    for name, part in zip(names, parts, strict=True):
        if len(np.unique(part.label)) < 2:
            raise ValueError(
                "Each split must have at least two identities. Received: "
                f"{len(np.unique(part.label))} in {name} of {config['dataset']}"
            )
    return PortraitData(*parts, num_levels_of(config))


def _load(config: Mapping[str, Any], split: str) -> LabelledImages:
    portraits = as_arrays(load_split({**config, "cache": False}, split))
    if (portraits.label < 0).any():
        if config["dataset"].startswith("folder:"):
            raise ValueError(
                f"{config['dataset']} must have a folder for each identity, with its "
                "pictures. Received: pictures outside of such folders"
            )
        raise ValueError(
            f"The images of {config['dataset']!r} have no identities: config."
            'label_feature must name the feature of tfds that holds them, as "label" '
            'of "lfw" or "identity/Identity_No" of "celeb_a". '
            f"Received: {config['label_feature']!r}"
        )
    return portraits
