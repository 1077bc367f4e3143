"""Samples and completions as the sample program writes them."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_pixelcnn import AutoregressiveImageModel
from keras_pixelcnn.datasets.image_file import Known
from keras_pixelcnn.files import replace_when_written


class Samples(NamedTuple):
    """Images (n, height, width, channels), and their labels (n,) or None.

    Images of one label or caption stand together, `num_each` of them; None where
    there are no labels and no captions.
    """

    images: np.ndarray
    labels: np.ndarray | None
    num_each: int | None


def sample_images(
    model: AutoregressiveImageModel,
    num_samples: int,
    labels: Sequence[int | str] | None = None,
    conditions: Mapping[str, np.ndarray] | None = None,
    known: Known | None = None,
    captions: Sequence[str] | None = None,
    **options: Any,
) -> Samples:
    """Samples images.

    Args:
        model: any; conditions must be given as it takes them.
        num_samples: number of images; of each label or caption, if there are some.
        labels: labels as numbers, as their names or as words of numbers, or ["all"].
            Default: none.
        conditions: the other conditions by name, one for all images or one for each.
            Default: none.
        known: an image to complete. Default: samples whole images.
        captions: sentences; not with labels. Default: none.
        **options: as for the model's `sample`: seed, temperature, top_p,
            guidance_scale.

    Raises:
        ValueError: when the model needs conditions that are not given, does not take
            those given, or an option is out of its range.
    """
    given, count, label = dict(conditions or {}), num_samples, None
    num_each = None if labels is None and captions is None else num_samples
    if labels is not None and captions is not None:
        raise ValueError(
            "Labels and captions each ask for a row of images: pass one of them. "
            f"Received: {labels} and {captions}"
        )
    if captions is not None:
        model.conditions.check_names({"caption": captions})
        given["caption"] = np.repeat(captions, num_samples)
        count = len(given["caption"])
    if labels is not None:
        label = np.repeat(_checked_labels(model, labels), num_samples)
        given["label"], count = label, len(label)
    _check_complete(model, given)
    if known is None:
        images = model.sample(count, **options, **given)
    else:
        image = np.repeat(known.image[np.newaxis], count, axis=0)
        images = model.complete(image, known.mask, **options, **given)
    return Samples(images.numpy(), label, num_each)


def _checked_labels(
    model: AutoregressiveImageModel, labels: Sequence[int | str]
) -> np.ndarray:
    model.conditions.check_names({"label": labels})
    if list(labels) == ["all"]:
        return np.arange(model.conditions.num_classes)
    names = model.label_names or ()
    numbers, wrong = [], []
    for label in labels:
        if label in names:
            numbers.append(names.index(label))
        elif str(label).removeprefix("-").isdecimal():
            numbers.append(int(label))
        else:
            wrong.append(label)
    if not numbers and not wrong:
        raise ValueError('label must name a label, or be "all". Received: none')
    return model.conditions.check_value("label", wrong or numbers).numpy()


def _check_complete(model: AutoregressiveImageModel, given: Mapping[str, Any]) -> None:
    try:
        model.conditions.check_complete(given)
    except ValueError as error:
        first = model.label_names[0] if model.label_names else "3"
        flags = {
            "label": f"--label={first} or --label=all",
            "caption": "--caption='a small red circle'",
        }
        missing = [name for name in model.conditions.names if name not in given]
        hints = [flags.get(name, f"--{name}=FILE.npy") for name in missing]
        raise ValueError(f"{error} Pass {', '.join(hints)}.") from error


def save_array(path: str | os.PathLike[str], samples: Samples, seed: int) -> None:
    """Writes image, seed and, if there are any, label to an .npz file."""
    arrays = {"image": samples.images, "seed": np.int64(seed)}
    if samples.labels is not None:
        arrays["label"] = samples.labels
    # An open file, as NumPy would add a suffix to a name.
    with replace_when_written(path) as part, open(part, "wb") as file:
        np.savez_compressed(file, **arrays)
