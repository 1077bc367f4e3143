"""What the command line draws by a server, given what a user said of the images."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from savedmodels.client.client import Client
from trainers.sampling.sampling import Known, Samples, read_known


def draw(
    client: Client,
    num_samples: int,
    labels: Sequence[str] | None = None,
    conditions: Mapping[str, np.ndarray] | None = None,
    known: Known | None = None,
    **options: Any,
) -> Samples:
    """Draws images.

    Args:
        client: of the model.
        num_samples: number of images; of each label, if there are labels.
        labels: as numbers, or as the names that the metadata gives them, or ["all"].
            Default: none.
        conditions: the other conditions by name, one for all images or one for each.
            Default: none.
        known: an image to complete. Default: draws whole images.
        **options: seed and temperature, as for `Client.sample`.

    Raises:
        ValueError: when the model takes something else.
        ClientError: when the server does not answer as it should.
    """
    document = client.metadata()
    given, count, label = dict(conditions or {}), num_samples, None
    if labels is not None:
        label = np.repeat(_label_numbers(document, labels), num_samples)
        given["label"], count = label, len(label)
    if known is None:
        images = client.sample(count, **options, **given)
    else:
        image = np.repeat(known.image[np.newaxis], count, axis=0)
        images = client.complete(image, known.mask, **options, **given)
    return Samples(images, label, num_samples, document["num_levels"])


def read_known_image(client: Client, image_path: str, mask_path: str) -> Known:
    """Reads an image and what of it is known from two pictures.

    Args:
        client: of the model that completes it.
        image_path: the picture.
        mask_path: a picture that is white (128 and above) where the image is known.

    Raises:
        OSError: when a file is not there.
        ValueError: when a file holds no picture, or not one of the model's images.
    """
    document = client.metadata()
    form = SimpleNamespace(
        image_shape=tuple(document["image_shape"]), num_levels=document["num_levels"]
    )
    return read_known(form, image_path, mask_path)


def _label_numbers(document: Mapping[str, Any], labels: Sequence[str]) -> np.ndarray:
    condition = document["conditions"].get("label")
    if condition is None:
        raise ValueError(f"The served model takes no labels. Received: {list(labels)}")
    if list(labels) == ["all"]:
        return np.arange(condition["num_classes"])
    names = document["label_names"] or []
    return np.array([_label_number(label, names) for label in labels])


def _label_number(label: str, names: Sequence[str]) -> int:
    if label in names:
        return names.index(label)
    try:
        return int(label)
    except ValueError:
        takes = f"numbers, names ({', '.join(names)})" if names else "numbers"
        raise ValueError(
            f'--label takes {takes} or "all". Received: {label!r}'
        ) from None
