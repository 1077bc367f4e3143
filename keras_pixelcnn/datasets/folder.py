"""Image folders: PATH/<class>/<image>, or images directly in PATH."""

import os
import pathlib
import re
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from absl import logging

from keras_pixelcnn.datasets import splits
from keras_pixelcnn.datasets.errors import shorten
from keras_pixelcnn.datasets.folder_reader import FolderReader
from keras_pixelcnn.datasets.image_file import NUM_LEVELS, SUFFIXES
from keras_pixelcnn.datasets.image_format import ImageFormat

_VALIDATION = ("val", "valid", "validation", "dev", "eval", "evaluation", "holdout")

_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(_VALIDATION, "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""What folders of splits are called."""

_SPLIT_NAME = re.compile(
    rf"(?<![a-z])({'|'.join(_SPLITS)})"
    r"(?:[ _-]*(?:sets?|data|images?|imgs?|split))?[ _-]*[0-9]*(?![a-z])"
)
"""And with what beside it: train_set, test-images, val2017, seg_train."""


def read(
    folder: str | os.PathLike[str],
    split: str,
    image_format: ImageFormat,
    *,
    cache: bool = True,
    on_damaged: str = "skip",
    with_path: bool = False,
) -> tf.data.Dataset:
    """Reads one split of a folder of images.

    Every file of the split is decoded once before this returns, so that a damaged one
    is found now and not in the middle of an epoch.

    Args:
        folder: holds a folder a class, or the images themselves, or folders named
            train, validation and test with these; see `find_images`.
        split: "train", "validation", "test" or "all".
        image_format: what the images shall look like.
        cache: whether to keep the finished images in memory; otherwise each epoch
            decodes the files again.
        on_damaged: "skip" to leave damaged files out and log their names, "raise"
            to raise.
        with_path: whether the examples have a "path", too: a string, relative to the
            folder, with forward slashes.

    Returns:
        Single examples: {"image": (h, w, c), "label": int64}, of known cardinality.

    Raises:
        FileNotFoundError: if there is no such folder or no image in it.
        ValueError: if images differ in shape and `image_format` does not even them
            out, if `split` or the number of levels is wrong, or if it is unclear what
            is a class.
        DamagedImageError: if a file is damaged and `on_damaged` is "raise", or if
            all are.
    """
    image_format.check_levels(NUM_LEVELS)
    root = pathlib.Path(folder).expanduser()
    found = find_images(root)
    chosen = found.choose(split)
    files = [found.files[i] for i in chosen]
    reader = FolderReader(root, files, image_format, with_path)
    examples = reader.examples()
    if cache:
        examples = examples.cache()  # the check fills it
    count = reader.check(examples, on_damaged)
    if not cache:
        examples = reader.examples()  # of the sound files, which are known by now
    return examples.apply(tf.data.experimental.assert_cardinality(count))


class ImageFiles(NamedTuple):
    """The image files of a folder, and which split folder each lies in.

    Attributes:
        files: pairs of the path relative to the folder, with forward slashes, and the
            label, sorted by path.
        in_split: for each split that has a folder the indices of its files; empty
            where the folder holds classes, and no splits.
        class_names: names of the class folders, which labels count.
    """

    files: list[tuple[str, int]]
    in_split: dict[str, list[int]]
    class_names: tuple[str, ...] = ()

    def choose(self, split: str) -> np.ndarray:
        """Picks the files of one split.

        Without split folders all files are divided; with them, validation and test
        files are taken from those of training where they have no folder.

        Args:
            split: "train", "validation", "test" or "all".

        Returns:
            Indices of files, an int64 array.

        Raises:
            ValueError: if `split` is another name, or if it would be empty.
        """
        splits.check(split)
        if not self.in_split or split == "all":
            return splits.choose(split, len(self.files))
        if split != "train" and split in self.in_split:
            own = np.array(self.in_split[split])
            return own[splits.choose("all", len(own))]
        missing = [part for part in splits.PARTS if part not in self.in_split]
        own = np.array(self.in_split["train"])
        return own[splits.choose(split, len(own), ("train", *missing))]


def find_images(root: pathlib.Path, with_classes: bool = True) -> ImageFiles:
    """Lists the images of a folder by their suffix, with their labels.

    Hidden files and folders are passed over. Folders named train, validation (val,
    valid, dev, eval) and test beside one another are splits, each with the class
    folders; so they are with the same words beside that name, as train_set and
    test_set, and in a folder that is the only one. A folder without an image is no
    class. Classes and splits are logged.

    Args:
        root: the folder.
        with_classes: whether images must not lie beside class folders, where it is
            unclear what they are. Without, such images have no label. Default True.

    Returns:
        The files. Labels count the names of the class folders over all splits, sorted
        with numbers as numbers; they are -1 for images outside of class folders.

    Raises:
        FileNotFoundError: if there is no such folder or no image in it.
        ValueError: if split folders stand beside others or in class folders, or images
            beside class folders.
    """
    paths = _paths(root)
    split_of = _split_folders(root, paths)
    depth = 1 + next(iter(split_of)).count("/") if split_of else 0
    folders = [path.split("/")[:-1] for path in paths]
    names = [parts[depth] if len(parts) > depth else None for parts in folders]
    if with_classes:
        _check_beside(root, paths, names, depth)
    classes = sorted({name for name in names if name is not None}, key=_natural)
    logging.info(
        "%d classes in %s: %s",
        len(classes),
        root,
        ", ".join(f"{label} {name}" for label, name in enumerate(classes)) or "none",
    )
    labels = {None: -1, **{name: label for label, name in enumerate(classes)}}
    files = [(path, labels[name]) for path, name in zip(paths, names, strict=True)]
    in_split: dict[str, list[int]] = {}
    for index, parts in enumerate(folders):
        if split_of:
            split = split_of["/".join(parts[:depth])]
            in_split.setdefault(split, []).append(index)
    if split_of:
        told = (f"{name} for {split}" for name, split in sorted(split_of.items()))
        logging.info("splits in %s: %s", root, ", ".join(told))
    return ImageFiles(files, in_split, tuple(classes))


def _paths(root: pathlib.Path) -> list[str]:
    """Lists the images at any depth, relative to the folder, sorted."""
    if not root.is_dir():
        raise FileNotFoundError(
            f"There is no folder {str(root)!r}. Pass 'folder:PATH' where "
            "PATH/<class>/<image> or PATH/<image> exists."
        )
    found = []
    for parent, folders, names in os.walk(root, onerror=_raise):
        folders[:] = filter(_is_visible, folders)
        below = pathlib.Path(parent).relative_to(root)
        found += [
            (below / name).as_posix()
            for name in names
            if _is_visible(name) and name.lower().endswith(SUFFIXES)
        ]
    if not found:
        raise FileNotFoundError(
            f"No image was found in {str(root)!r} or its class folders. Looked for "
            f"files that end in {', '.join(SUFFIXES)}."
        )
    return sorted(found)


def _split_folders(root: pathlib.Path, paths: list[str]) -> dict[str, str]:
    """Returns the split of each folder of one; empty when there are no splits.

    They lie in `root`, or in its only folder.
    """
    tops = {path.split("/")[0] for path in paths if "/" in path}
    named = _named_splits(tops)
    found = set(named.values())
    has_classes_below = any(path.count("/") > 1 for path in paths)
    alone = named.keys() == tops and has_classes_below
    if alone and "train" not in found:
        raise ValueError(
            f"Of the splits of a folder one must be for training, and {str(root)!r} "
            f"has only {', '.join(sorted(named))}. Pass the folder of one split."
        )
    if "train" not in found or not (len(found) > 1 or alone):
        return _splits_below(root, paths)
    others = sorted(tops - named.keys()) + [path for path in paths if "/" not in path]
    if others:
        raise ValueError(
            f"A folder must hold splits or classes, and {str(root)!r} holds splits, "
            f"{', '.join(sorted(named))}, beside {shorten(others)}. Move these, or "
            "pass the folder of one split."
        )
    return named


def _named_splits(folders: set[str]) -> dict[str, str]:
    """Returns the split of each folder whose name tells one, as the others' do.

    Those have the same words beside it: train_station is none beside test_tube.
    """
    alike: dict[str, dict[str, str]] = {}
    for folder in folders:
        name = folder.lower()
        if found := _SPLIT_NAME.search(name):
            beside = f"{name[: found.start()]} {name[found.end() :]}".strip(" _-")
            alike.setdefault(beside, {})[folder] = _SPLITS[found[1]]
    several = [named for named in alike.values() if len({*named.values()}) > 1]
    # Where there are no two, train may be alone.
    return max(several, key=len, default=alike.get("", {}))


def _splits_below(root: pathlib.Path, paths: list[str]) -> dict[str, str]:
    """Returns the splits that lie in the only folder; raises when classes hold some."""
    below: dict[str, list[str]] = {}
    for path in paths:
        top, _, rest = path.partition("/")
        below.setdefault(top if rest else "", []).append(rest or path)
    for top, inside in below.items():
        named = _named_splits({path.split("/")[0] for path in inside if "/" in path})
        found = set(named.values())
        if top and len(below) > 1 and "train" in found and len(found) > 1:
            raise ValueError(
                f"Splits must hold classes, and the class folder {str(root / top)!r} "
                f"holds splits, {', '.join(sorted(named))}. Make folders of splits "
                "with one of each class, or pass the folder of one class."
            )
    if len(below) > 1 or "" in below:
        return {}
    ((top, inside),) = below.items()
    splits = _split_folders(root / top, inside)
    return {f"{top}/{folder}": split for folder, split in splits.items()}


def _check_beside(
    root: pathlib.Path, paths: list[str], names: list[str | None], depth: int
) -> None:
    """Raises ValueError when images lie beside class folders."""
    own: dict[str, list[int]] = {}
    for index, path in enumerate(paths):
        own.setdefault("/".join(path.split("/")[:depth]), []).append(index)
    for folder, indices in own.items():
        beside = [paths[i] for i in indices if names[i] is None]
        if beside and len(beside) < len(indices):
            raise ValueError(
                f"A folder must hold class folders or images, and "
                f"{str(root / folder)!r} holds both: {shorten(beside)} lie beside "
                "folders of classes. Move them into a class folder, or remove them."
            )


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sorts numbers in names as numbers."""
    parts = re.findall(r"([0-9]+)|([^0-9]+)", name)
    key = [(1, int(number), "") if number else (2, 0, text) for number, text in parts]
    return [*key, (0, 0, name)]  # an end comes first; 01 is not 1


def _is_visible(name: str) -> bool:
    return not name.startswith((".", "__MACOSX", "@eaDir"))


def _raise(error: OSError) -> None:
    """Makes os.walk stop at a folder that it cannot list, and not pass it over."""
    raise error
