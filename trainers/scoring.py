"""The exact score of a model on images."""

import math
from typing import Any, NamedTuple

import tensorflow as tf

from keras_pixelcnn import AutoregressiveImageModel, datasets


class Score(NamedTuple):
    """Means over `num_images` images."""

    bits_per_dim: float
    nats_per_image: float
    num_images: int


def score(
    model: AutoregressiveImageModel, examples: tf.data.Dataset, batch_size: int
) -> Score:
    """Scores all images of a dataset.

    Args:
        model: compiled or not.
        examples: single examples of {"image"}, of known number.
        batch_size: images scored at once.
    """
    if not model.compiled:
        model.compile()
    logs = model.evaluate(examples.batch(batch_size), return_dict=True, verbose=0)
    bits_per_dim = logs["bits_per_dim"]
    nats = bits_per_dim * model.num_dims * math.log(2.0)
    return Score(bits_per_dim, nats, int(examples.cardinality()))


def score_split(
    model: AutoregressiveImageModel,
    dataset: str,
    split: str,
    *,
    batch_size: int = 64,
    num_levels: int | None = None,
    **options: Any,
) -> Score:
    """Scores a split of a dataset.

    Args:
        model: compiled or not.
        dataset: a name that `keras_pixelcnn.datasets.load` takes.
        split: the split of it.
        batch_size: images scored at once. Default 64.
        num_levels: levels to merge the pixel values to. Default: as stored.
        **options: as for `keras_pixelcnn.datasets.load`: image_size, color_mode,
            data_dir.

    Raises:
        ValueError: when the images have another shape or number of levels than the
            model's, or an argument is wrong.
    """
    levels = num_levels
    if levels is None:
        levels = datasets.native_num_levels(dataset, options.get("data_dir"))
    if levels != model.num_levels:
        raise ValueError(
            f"The model is for pixels of {model.num_levels} levels, and those of "
            f"{dataset} have {levels}. Scores of different levels do not compare; to "
            f"merge levels as in training, pass num_levels={model.num_levels}."
        )
    examples = datasets.load(
        dataset, split, num_levels=num_levels, shuffle=False, **options
    )
    shape = tuple(examples.element_spec["image"].shape)
    if shape != model.image_shape:
        raise ValueError(
            f"The model is for images of shape {model.image_shape}, and those of "
            f"{dataset} have {shape} (height, width, channels). Pass image_size and "
            "color_mode as in training, or another model."
        )
    return score(model, examples, batch_size)
