"""Emoji: small colour pictures by category, from the sheets of emoji-datasource."""

import json
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import PIL.Image
import tensorflow as tf

from keras_pixelcnn.datasets import splits
from keras_pixelcnn.datasets.errors import DamagedImageError
from keras_pixelcnn.datasets.image_format import ImageFormat

NUM_LEVELS = 256
SIDE = 32
CATEGORIES = (
    "Activities",
    "Animals & Nature",
    "Flags",
    "Food & Drink",
    "Objects",
    "People & Body",
    "Smileys & Emotion",
    "Symbols",
    "Travel & Places",
)
"""What the labels stand for. The "components", bare skin tones, are left out."""

LABEL_FEATURES = ("category", "subcategory")
"""What a label can say: one of `CATEGORIES`, or what the packages divide these into."""

_BORDER = 1
"""Transparent pixels around each picture of a sheet."""

_REGIONAL = range(0x1F1E6, 0x1F200)
"""Two of these letters are a country's flag."""

_VARIANTS = {
    *range(0x1F3FB, 0x1F400),  # skin tones
    *(0x1F468, 0x1F469, 0x1F9D1),  # man, woman, person
    *(0x2640, 0x2642),  # female, male
    *(0x200D, 0xFE0F),  # joined with the next; shown as a picture
}
"""Code points that do not change what an emoji is about."""


class _Picture(NamedTuple):
    split: str
    label: int
    image: np.ndarray


def read(
    folder: str,
    split: str,
    image_format: ImageFormat,
    label_feature: str | None = None,
) -> tf.data.Dataset:
    """Reads the pictures of one split from unpacked packages of emoji-datasource.

    Each package holds the pictures of one maker: `emoji-datasource-google` (Noto,
    Apache licence 2.0) and `emoji-datasource-twitter` (Twemoji, CC BY 4.0) on npm. All
    pictures of one emoji are in one split: of every maker, in every skin tone, as man,
    woman and person. About 80, 10 and 10 percent of the emoji are for training,
    validation and test. Of pictures that are equal, as some flags are, one is kept.

    Args:
        folder: holds the packages, at any depth: emoji.json and
            img/<maker>/sheets/32.png.
        split: "train", "validation", "test" or "all".
        image_format: `image_size` None is (32, 32).
        label_feature: "category", which None is, too, or "subcategory".

    Returns:
        Single examples: {"image": (h, w, c), "label": int64}, laid over white. Labels
        count `label_names`.

    Raises:
        FileNotFoundError: if there is no such folder, or no package in it.
        ValueError: if `split`, the number of levels or `label_feature` is wrong, or the
            split is empty.
        DamagedImageError: if a list or a sheet cannot be read, or lacks a picture.
    """
    image_format.check_levels(NUM_LEVELS)
    splits.check(split)
    names = label_names(folder, label_feature)
    seen: set[bytes] = set()
    chosen = []
    for package in _find_packages(folder):
        for picture in _pictures(package, label_feature or "category", names):
            content = picture.image.tobytes()
            if content not in seen and split in ("all", picture.split):
                chosen.append(picture)
            seen.add(content)
    if not chosen:
        raise ValueError(
            f"Split {split!r} is empty: no emoji in {folder!r} falls to it. Use "
            "split='all'."
        )
    images = np.stack([picture.image for picture in chosen])
    labels = np.array([picture.label for picture in chosen], np.int64)
    return image_format.examples(images, labels, NUM_LEVELS)


def label_names(folder: str, label_feature: str | None = None) -> tuple[str, ...]:
    """Returns what the labels stand for, in their order; reads no picture.

    Args:
        folder: as for `read`.
        label_feature: as for `read`.

    Returns:
        `CATEGORIES`, or the sorted subcategories that the packages' lists name, such as
        "face-smiling".

    Raises:
        ValueError: if `label_feature` is wrong.
        FileNotFoundError, DamagedImageError: as `read` does.
    """
    label_feature = label_feature or "category"
    if label_feature not in LABEL_FEATURES:
        raise ValueError(
            f"`label_feature` of emoji must be one of {LABEL_FEATURES} or None, "
            f"received {label_feature!r}."
        )
    if label_feature == "category":
        return CATEGORIES
    return tuple(
        sorted(
            {
                entry[label_feature]
                for package in _find_packages(folder)
                for entry in _read_list(package / "emoji.json", label_feature)
            }
        )
    )


def subject(code_points: str) -> str:
    """Names an emoji's subject, without skin tone and sex: one for its variants.

    Args:
        code_points: hexadecimal, such as "1F469-1F3FD-200D-1F373", a woman who cooks.

    Returns:
        Hexadecimal code points, such as "1F373", or "person".
    """
    points = [int(point, 16) for point in code_points.split("-")]
    points = [point for point in points if point not in _VARIANTS]
    if not points:
        return "person"
    length = 2 if points[0] in _REGIONAL else 1
    return "-".join(f"{point:X}" for point in points[:length])


def _find_packages(folder: str) -> list[pathlib.Path]:
    root = pathlib.Path(folder).expanduser()
    packages = sorted(path.parent for path in root.rglob("emoji.json"))
    if not packages:
        raise FileNotFoundError(
            f"No emoji.json was found in {folder!r}. Unpack the npm packages there: "
            "npm install --prefix FOLDER emoji-datasource-google "
            "emoji-datasource-twitter"
        )
    return packages


def _pictures(
    package: pathlib.Path, label_feature: str, names: tuple[str, ...]
) -> Iterator[_Picture]:
    """Reads all pictures of one maker, in the order of the sheet."""
    sheets = sorted(package.glob(f"img/*/sheets/{SIDE}.png"))
    if not sheets:
        raise FileNotFoundError(
            f"{str(package)!r} must hold img/<maker>/sheets/{SIDE}.png beside its "
            "emoji.json, and does not. Unpack the whole package."
        )
    entries = _read_list(package / "emoji.json", label_feature)
    for path in sheets:
        maker = path.parts[-3]
        sheet = _read_sheet(path)
        for entry in entries:
            label = names.index(entry[label_feature])
            split = splits.by_name(subject(entry["unified"]))
            tones = entry.get("skin_variations", {}).values()
            for each in (entry, *tones):
                if each[f"has_img_{maker}"]:
                    yield _Picture(split, label, _cut_out(sheet, each, path))


def _read_list(path: pathlib.Path, label_feature: str) -> list[Mapping[str, Any]]:
    """Reads a package's list of emoji, without the components."""
    wanted = {"unified", "category", "sheet_x", "sheet_y", label_feature}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        complete = all(wanted <= set(entry) for entry in entries)
    except (ValueError, TypeError) as error:
        raise DamagedImageError(
            f"{str(path)!r} must be a list of emoji, and is damaged ({error}). Unpack "
            "the package anew."
        ) from error
    if not complete:
        raise DamagedImageError(
            f"Every emoji in {str(path)!r} must have {sorted(wanted)}. Unpack the "
            "package anew."
        )
    return [entry for entry in entries if entry["category"] in CATEGORIES]


def _read_sheet(path: pathlib.Path) -> np.ndarray:
    """Reads uint8 (height, width, 3), laid over white."""
    try:
        with PIL.Image.open(path) as stored:
            picture = stored.convert("RGBA")
    except (OSError, SyntaxError) as error:
        raise DamagedImageError(
            f"The sheet {str(path)!r} cannot be read ({error}). Unpack the package "
            "anew."
        ) from error
    white = PIL.Image.new("RGBA", picture.size, "white")
    return np.asarray(PIL.Image.alpha_composite(white, picture).convert("RGB"))


def _cut_out(
    sheet: np.ndarray, entry: Mapping[str, Any], path: pathlib.Path
) -> np.ndarray:
    pitch = SIDE + 2 * _BORDER
    top, left = (pitch * entry[axis] + _BORDER for axis in ("sheet_y", "sheet_x"))
    image = sheet[top : top + SIDE, left : left + SIDE]
    if image.shape != (SIDE, SIDE, 3):
        raise DamagedImageError(
            f"The sheet {str(path)!r} ends before the picture of {entry['unified']}. "
            "The package must be whole and of one version."
        )
    return image
