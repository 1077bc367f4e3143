"""The shape and number of a config's images, without downloading or reading them."""

from collections.abc import Mapping
from typing import Any

from keras_pixelcnn.datasets.tfds_builder import find_builder
from trainers.runs.data import load_split, num_levels_of

_LOCAL = ("emoji:", "folder:", "glyphs:", "idx:", "patches:")
_CHANNELS = {"grayscale": 1, "rgb": 3}

_PUBLISHED_IMAGES = {
    "binarized_mnist": {"train": 50_000, "validation": 10_000, "test": 10_000},
    "cifar10": {"train": 50_000, "test": 10_000},
    "downsampled_imagenet": {"train": 1_281_149, "validation": 49_999},
    "fashion_mnist": {"train": 60_000, "test": 10_000},
    "imagenet_resized": {"train": 1_281_167, "validation": 50_000},
    "mnist": {"train": 60_000, "test": 10_000},
}
"""Images of the splits, for datasets that nobody has prepared here."""


def image_format(config: Mapping[str, Any]) -> tuple[tuple[int, int, int], int]:
    """Returns the images' shape and number of levels.

    Returns:
        (height, width, channels), and the levels.

    Raises:
        ValueError: when there is no such dataset, or its images differ in size and
            the config names none.
    """
    name, data_dir = config["dataset"], config["data_dir"]
    num_levels = num_levels_of(config)
    if _is_local(name):
        examples = load_split(config, config["train_split"])
        return tuple(examples.element_spec["image"].shape), num_levels
    stored = find_builder(name, data_dir).info.features["image"].shape
    size = config["image_size"] or stored[:2]
    shape = (*size, _CHANNELS.get(config["color_mode"], stored[2]))
    if None in shape:
        raise ValueError(
            f"The images of {name!r} differ in size, so that config.image_size must "
            f"say (height, width). Received: config.image_size={config['image_size']}"
        )
    return shape, num_levels


def num_steps(config: Mapping[str, Any]) -> int:
    """Returns the steps of a whole run.

    Raises:
        ValueError: when the config counts epochs, and the images are too few for a
            batch or nobody knows how many there are.
    """
    if config["steps"] is not None:
        return config["steps"]
    images, batch_size = num_images(config), config["batch_size"]
    if images < batch_size:
        raise ValueError(
            f"config.batch_size must be at most {images}, the images of split "
            f"{config['train_split']!r}. Received: {batch_size}"
        )
    return config["epochs"] * (images // batch_size)


def _is_local(name: str) -> bool:
    return name in ("captions", "digits") or name.startswith(_LOCAL)


def num_images(config: Mapping[str, Any]) -> int:
    """Returns how many images the training split has.

    Raises:
        ValueError: when there is no such split, or nobody knows its length.
    """
    name, split = config["dataset"], config["train_split"]
    if _is_local(name):
        return int(load_split(config, split).cardinality())
    import tensorflow_datasets as tfds

    builder = find_builder(name, config["data_dir"])
    published = _PUBLISHED_IMAGES.get(builder.name, {})
    splits = builder.info.splits or {
        part: tfds.core.SplitInfo(name=part, shard_lengths=[count], num_bytes=0)
        for part, count in published.items()
    }
    if not splits:
        raise ValueError(
            f"Nobody knows how many images {name!r} has before it is prepared. Set "
            "config.steps, the steps of the whole run, to plan it. "
            f"Received: config.steps={config['steps']}"
        )
    try:
        parts = tfds.core.ReadInstruction.from_spec(split).to_absolute(splits)
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"config.train_split must be a split of {name!r}: {', '.join(splits)}, or "
            f"a slice or sum of these. Received: {split!r}"
        ) from error
    total = 0
    for part in parts:
        images = splits[part.splitname].num_examples
        start, stop, _ = slice(part.from_, part.to).indices(images)
        total += max(stop - start, 0)
    return total
