"""Facts of images that are known before they are decoded."""

import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import PIL.Image

from keras_pixelcnn import datasets
from keras_pixelcnn.datasets import folder as image_folder
from keras_pixelcnn.datasets.image_file import open_image
from trainers.planning.planned_data import image_format, num_images
from trainers.runs.data import load_split

_MOST_LOOKED_AT = 500
"""Files whose sizes and colours are looked at."""

_ORIENTATION = 0x0112
"""EXIF's number of it; from 5 on, height and width change places."""

_LEAST_COLOR = 8
"""How far channels differ at most in what counts as grey."""


class ImageFacts(NamedTuple):
    """Facts of the images of a config.

    Attributes:
        num_images: of the training split.
        sizes: int (n, 2), height and width of images as they are stored.
        is_grey: whether none of them has colours.
        label_names: what the labels are called; None where there are none.
        flat: share of the values that equal the one to their left, which drawings have
            many of; 0 where no file was opened.
    """

    num_images: int
    sizes: np.ndarray
    is_grey: bool
    label_names: tuple[str, ...] | None
    flat: float = 0.0


def look_at(config: Mapping[str, Any]) -> ImageFacts:
    """Looks at sizes, colours and classes of a config's images.

    Raises:
        FileNotFoundError, ValueError: as `datasets.load` does.
    """
    name = config["dataset"]
    label_names = None
    if config["model"].get("num_classes") is None:
        label_names = datasets.label_names(
            name, config["data_dir"], config.get("label_feature")
        )
    if not name.startswith("folder:"):
        (height, width, channels), _ = image_format(config)
        sizes = np.array([[height, width]])
        return ImageFacts(num_images(config), sizes, channels == 1, label_names)
    root = pathlib.Path(name.removeprefix("folder:")).expanduser()
    found = image_folder.find_images(root)
    count = len(found.choose(config["train_split"]))
    order = np.random.default_rng(0).permutation(len(found.files))[:_MOST_LOOKED_AT]
    looks = [_look_at_file(root / found.files[i][0]) for i in order]
    looks = [look for look in looks if look is not None]
    if not looks:  # which loading explains, file by file
        load_split({**config, "image_size": (8, 8)}, "all")
    sizes, colors, flat = map(np.array, zip(*looks, strict=True))
    return ImageFacts(count, sizes, not colors.any(), label_names, float(flat.mean()))


def _look_at_file(path: pathlib.Path) -> tuple[tuple[int, int], bool, float] | None:
    """Returns (height, width), whether there are colours, and the share of flat values.

    None if the file is damaged.
    """
    try:
        with open_image(path) as image:
            width, height = image.size
            if image.getexif().get(_ORIENTATION, 1) > 4:
                width, height = height, width
            image.draft("RGB", (64, 64))  # of a JPEG file a fraction is enough
            has_transparency = image.has_transparency_data
            small = image.convert("RGBA" if has_transparency else "RGB")
    except Exception:  # decoders raise nearly anything
        return None
    small.thumbnail((64, 64))
    if has_transparency:  # over white, as it is read: what is hidden has colours, too
        white = PIL.Image.new("RGBA", small.size, "white")
        small = PIL.Image.alpha_composite(white, small).convert("RGB")
    values = np.asarray(small).astype(int)
    has_colors = bool(np.ptp(values, axis=-1).max() > _LEAST_COLOR)
    flat = np.mean(values[:, 1:] == values[:, :-1]) if values.shape[1] > 1 else 0.0
    return (height, width), has_colors, float(flat)
