"""Datasets of tensorflow-datasets that have a feature "image"."""

import os
from typing import Any

import numpy as np
import tensorflow as tf

from keras_pixelcnn.datasets.image_format import ImageFormat
from keras_pixelcnn.datasets.tfds_builder import check_data, find_builder, prepare
from keras_pixelcnn.datasets.tfds_labels import TfdsLabels

_LEVELS = {np.dtype(np.uint8): 256, np.dtype(np.uint16): 65_536}

_LEVELS_OF_DATASET = {"binarized_mnist": 2}
"""Datasets whose uint8 images hold so few levels, 0 and up, as a rule of theirs."""


def read(
    name: str,
    split: str,
    image_format: ImageFormat,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    label_feature: str | None = None,
) -> tf.data.Dataset:
    """Reads one split of a tfds dataset, which is downloaded if it is not there.

    Args:
        name: name, with "/config" and ":version" where wanted.
        split: a split of the dataset, slices and sums of splits included.
        image_format: what the images shall look like.
        data_dir: where tfds keeps its data, or None for tfds's default.
        label_feature: name of the labels, with slashes where it is inside of others;
            None for "label" if it is an integer.

    Returns:
        Single examples: {"image": (h, w, c), "label": int64, -1 if there is none}.

    Raises:
        ValueError: if the name, the split, the images or the labels do not fit.
        DatasetUnavailableError: if the data cannot be had.
    """
    import tensorflow_datasets as tfds

    builder = find_builder(name, data_dir)
    levels = num_levels(name, builder)
    image_format.check_levels(levels)
    _check_shape(name, builder.info.features["image"].shape, image_format)
    labels = TfdsLabels.find(name, builder, label_feature)
    prepare(name, builder)
    check_data(name, builder, split)
    labels.read_texts(builder)
    examples = builder.as_dataset(
        split=split,
        # Only these two are decoded, whatever else the dataset holds.
        decoders=tfds.decode.PartialDecoding({"image": True, **labels.wanted}),
        read_config=tfds.ReadConfig(try_autocache=False),
    )

    @tf.autograph.experimental.do_not_convert
    def convert(example: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        image = image_format.convert(example["image"], levels)
        return {"image": image, "label": labels.of(example)}

    return examples.map(convert, num_parallel_calls=tf.data.AUTOTUNE)


def label_names(
    name: str,
    data_dir: str | os.PathLike[str] | None = None,
    label_feature: str | None = None,
) -> tuple[str, ...] | None:
    """Returns the names of the classes of a feature; None where nobody named them.

    Args:
        name: of a dataset.
        data_dir: where tfds keeps its data. Default: tfds's own.
        label_feature: as for `read`. Default: "label".
    """
    feature = find_builder(name, data_dir).info.features
    for part in (label_feature or "label").split("/"):
        if not hasattr(feature, "keys") or part not in feature:
            return None
        feature = feature[part]
    return tuple(getattr(feature, "names", None) or ()) or None


def num_levels(name: str, builder: Any) -> int:
    """Returns how many values a pixel of a tfds dataset can take.

    Raises:
        ValueError: when it has no images, or of other types than uint8 and uint16.
    """
    features = builder.info.features
    if "image" not in features:
        raise ValueError(
            f'Dataset {name!r} must have a feature "image"; it has '
            f"{', '.join(map(repr, features))}. Choose another dataset, or write its "
            "images to files and load 'folder:PATH'."
        )
    feature = features["image"]
    is_image = isinstance(feature.shape, tuple) and len(feature.shape) == 3
    if not is_image or np.dtype(feature.np_dtype) not in _LEVELS:
        raise ValueError(
            f'The feature "image" of dataset {name!r} must hold uint8 or uint16 of '
            f"shape (height, width, channels), but is {feature}. Choose another "
            "dataset."
        )
    levels = _LEVELS[np.dtype(feature.np_dtype)]
    return _LEVELS_OF_DATASET.get(builder.name, levels)


def _check_shape(
    name: str, shape: tuple[int | None, ...], image_format: ImageFormat
) -> None:
    if None in shape[:2] and image_format.image_size is None:
        raise ValueError(
            f"The images of dataset {name!r} differ in size, their shape is {shape}. "
            "Pass image_size=(height, width) to give all of them one size."
        )
    channels = shape[2]
    if channels is None or (image_format.color_mode and channels not in (1, 3)):
        raise ValueError(
            f"The images of dataset {name!r} must have a known number of channels, and "
            "1 or 3 of them where `color_mode` is given, but their shape is "
            f"{shape}. Write them to files and load 'folder:PATH'."
        )
