"""The exact likelihood of a model on images, and its accuracy as a classifier."""

import math
from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_pixelcnn import AutoregressiveImageModel, bits_per_dim, datasets
from keras_pixelcnn.checks import checked
from keras_pixelcnn.datasets.errors import shorten
from trainers.runs.data import label_errors_explained


class Score(NamedTuple):
    """Mean likelihoods over `num_images` images."""

    bits_per_dim: float
    nats_per_image: float
    num_images: int


def mean_bits_per_dim(nats: Any, model: Any) -> float:
    """Returns the mean of images' log probabilities (n,), in bits per dimension."""
    return float(bits_per_dim(np.mean(nats, dtype="float64"), model.num_dims))


def conditions_of_score(
    model: AutoregressiveImageModel,
    unconditional: bool = False,
    held: Collection[str] = ("label",),
) -> list[str]:
    """Returns the conditions that images of a dataset are scored given.

    Args:
        model: any.
        unconditional: whether it is scored without its conditions. Default False.
        held: what the dataset holds. Default: labels.

    Raises:
        ValueError: when the model has no conditions to leave out or cannot do without,
            or when it takes conditions that datasets do not have.
    """
    conditions = model.conditions
    if unconditional and not conditions.optional:
        has = f"the conditions {conditions.names}" if conditions.names else "none"
        raise ValueError(
            "The unconditional score is of models trained with condition_dropout "
            "above 0, which can do with and without their conditions. Received: a "
            f"model without condition_dropout; its conditions: {has}."
        )
    if unconditional or not conditions.names:
        return []
    missing = [name for name in conditions.names if name not in held]
    if missing:
        hint = " Score it without: unconditional." if conditions.optional else ""
        raise ValueError(
            "Datasets have labels, and no other conditions, but for the captions of "
            f'"captions". Received: a model that takes {conditions.names}.{hint}'
        )
    return conditions.names


def score(
    model: AutoregressiveImageModel,
    examples: tf.data.Dataset,
    batch_size: int,
    unconditional: bool = False,
) -> Score:
    """Scores all images of a dataset, given their labels if the model takes labels.

    Args:
        model: compiled or not.
        examples: single examples of {"image", "label"}, of known number.
        batch_size: images scored at once.
        unconditional: whether a model trained with `condition_dropout` is scored
            without its conditions. Default False.

    Raises:
        ValueError: when the labels are none of the model's, or as
            `conditions_of_score` does.
    """
    held = examples.element_spec
    names = ["image", *conditions_of_score(model, unconditional, held)]
    rule = f"label must hold integers in [0, {model.conditions.num_classes})."

    def choose(example: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        chosen = {name: example[name] for name in names}
        if "label" in chosen:  # models trained with condition_dropout would take -1
            label = chosen["label"]
            chosen["label"] = checked(label >= 0, label, rule)
        return chosen

    batches = examples.map(choose)
    if not model.compiled:
        model.compile()
    hint = (
        "The data's labels do not fit the model (-1 stands for an image without one). "
        "Choose other data"
    )
    hint += ", or score without: unconditional." if model.conditions.optional else "."
    with label_errors_explained(hint):
        logs = model.evaluate(batches.batch(batch_size), return_dict=True, verbose=0)
    bits = logs["bits_per_dim"]
    nats = bits * model.num_dims * math.log(2.0)
    return Score(bits, nats, int(examples.cardinality()))


def check_takes_only_label(model: AutoregressiveImageModel) -> None:
    """Checks that a model takes a label and nothing else.

    Raises:
        ValueError: when it does not.
    """
    if model.conditions.names != ["label"]:
        raise ValueError(
            "The model must take a label and nothing else: made with num_classes, and "
            "without embedding_dim and spatial_shape. Received: a model that takes "
            f"{model.conditions.names or 'nothing'}"
        )


def accuracy(
    model: AutoregressiveImageModel, examples: tf.data.Dataset, batch_size: int = 64
) -> float:
    """Returns the share of images whose likeliest label is the right one.

    Args:
        model: one whose only condition is the label.
        examples: single examples of {"image", "label"}.
        batch_size: pairs of an image and a label scored at once. Default 64.

    Raises:
        ValueError: when the model takes no label, or the labels are none of its.
    """
    check_takes_only_label(model)
    right = []
    for batch in examples.batch(batch_size).as_numpy_iterator():
        check_labels(model, batch["label"])
        found = model.classify(batch["image"], batch_size=batch_size).numpy()
        right.extend(found.argmax(axis=-1) == batch["label"])
    return float(np.mean(right))


def check_labels(
    model: AutoregressiveImageModel, labels: np.ndarray, hint: str = ""
) -> None:
    """Checks that all labels are classes of a model; -1, for none, is not.

    Args:
        model: one that takes labels.
        labels: integers, of any shape.
        hint: what else to do, behind "Choose other data".

    Raises:
        ValueError: when one is not.
    """
    classes = model.conditions.num_classes
    wrong = (labels < 0) | (labels >= classes)
    if wrong.any():
        raise ValueError(
            f"The data's labels must be the model's classes, integers in [0, {classes})"
            f"; -1 stands for an image without a label. Choose other data{hint}. "
            f"Received: {labels[wrong][0]}"
        )


def load_examples(
    model: AutoregressiveImageModel,
    dataset: str,
    split: str,
    num_levels: int | None = None,
    labelled: bool = False,
    **options: Any,
) -> tf.data.Dataset:
    """Loads a split of a dataset in a model's form: its size, colours and levels.

    Args:
        model: the images must have its shape and levels.
        dataset: a name that `keras_pixelcnn.datasets.load` takes.
        split: the split of it.
        num_levels: levels to merge the pixel values to. Default: the model's.
        labelled: whether the labels will be used: class folders are then taken for the
            model's classes by their names or numbers, and of what the labels of emoji
            and letters can say it is what the model's names are. Default False.
        **options: as for `keras_pixelcnn.datasets.load`: image_size and color_mode, by
            default the model's, and data_dir, cache, with_path.

    Returns:
        Single examples of {"image", "label"} in the fixed order of the split, of known
        number.

    Raises:
        ValueError: when the images have fewer levels than the model's or are asked for
            in another form, class folders are none of the model's classes, or an
            argument is wrong.
    """
    *size, channels = model.image_shape
    levels = num_levels or model.num_levels
    native = datasets.native_num_levels(dataset, options.get("data_dir"))
    if levels != model.num_levels or native < levels:
        raise ValueError(
            f"The model is for pixels of {model.num_levels} levels, and those of "
            f"{dataset} have {min(levels, native)}. Scores of different levels do not "
            "compare; leave num_levels out, or choose other data, as levels can be "
            "merged and not invented."
        )
    form = {
        "num_levels": levels,
        "image_size": tuple(size),
        "color_mode": {1: "grayscale", 3: "rgb"}.get(channels),
    }
    form |= {name: value for name, value in options.items() if value is not None}
    if labelled:
        form["label_feature"] = _label_feature(model, dataset)
    examples = datasets.load(dataset, split, shuffle=False, **form)
    shape = tuple(examples.element_spec["image"].shape)
    if shape != model.image_shape:
        raise ValueError(
            f"The model is for images of shape {model.image_shape}, and those of "
            f"{dataset} have {shape} (height, width, channels). Leave image_size and "
            "color_mode out, which brings them to the model's, or choose another model."
        )
    if labelled and dataset.startswith("folder:") and model.conditions.num_classes:
        return _labelled_by_name(model, examples, dataset)
    return examples


def _label_feature(model: AutoregressiveImageModel, dataset: str) -> str | None:
    """Returns the feature of a source whose labels are called what the model's are."""
    source, _, _ = dataset.partition(":")
    features = {
        "emoji": datasets.emoji.LABEL_FEATURES,
        "glyphs": datasets.glyphs.LABEL_FEATURES,
    }
    for feature in features.get(source, ()):
        names = datasets.label_names(dataset, label_feature=feature)
        if names is not None and names == model.label_names:
            return feature
    return None


def _labelled_by_name(
    model: AutoregressiveImageModel, examples: tf.data.Dataset, dataset: str
) -> tf.data.Dataset:
    """Returns a folder's examples with the model's labels, not the folder's own."""
    found, known = datasets.label_names(dataset) or (), model.label_names or ()
    labels = {str(label): label for label in range(model.conditions.num_classes)}
    labels |= {name: label for label, name in enumerate(known)}
    unknown = [name for name in found if name not in labels]
    if not found or (known and unknown):
        classes = shorten(known or [*labels])
        hint = " Or score without: unconditional." if model.conditions.optional else ""
        raise ValueError(
            f"The model takes a label, and the pictures of {dataset} must lie in "
            f"folders of its classes, {classes}.{hint} "
            f"Received: {shorten(unknown) or 'no folders of classes'}"
        )
    if unknown:  # nobody named the model's classes: it counts them as folders do
        return examples
    # The first is that of images without a class, whose label is -1.
    in_order = tf.constant([-1, *(labels[name] for name in found)], tf.int64)
    return examples.map(lambda each: {**each, "label": in_order[each["label"] + 1]})
