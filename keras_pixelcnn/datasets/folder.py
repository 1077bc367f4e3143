"""Image folders: PATH/<class>/<image>, or images directly in PATH."""

import os
import pathlib
from collections.abc import Iterator

import tensorflow as tf

from keras_pixelcnn.datasets import splits
from keras_pixelcnn.datasets.folder_reader import FolderReader
from keras_pixelcnn.datasets.image_file import NUM_LEVELS, SUFFIXES
from keras_pixelcnn.datasets.image_format import ImageFormat


def read(
    folder: str | os.PathLike[str],
    split: str,
    image_format: ImageFormat,
    *,
    cache: bool = True,
    on_damaged: str = "skip",
) -> tf.data.Dataset:
    """Reads one split of a folder of images.

    Every file of the split is decoded once before this returns, so that a damaged one
    is found now and not in the middle of an epoch.

    Args:
        folder: holds a folder a class, or the images themselves.
        split: "train", "validation", "test" or "all".
        image_format: what the images shall look like.
        cache: whether to keep the finished images in memory; otherwise each epoch
            decodes the files again.
        on_damaged: "skip" to leave damaged files out and log their names, "raise"
            to raise.

    Returns:
        Single examples: {"image": (h, w, c), "label": int64}, of known cardinality.

    Raises:
        FileNotFoundError: if there is no such folder or no image in it.
        ValueError: if images differ in shape and `image_format` does not even them
            out, or if `split` or the number of levels is wrong.
        DamagedImageError: if a file is damaged and `on_damaged` is "raise", or if
            all are.
    """
    image_format.check_levels(NUM_LEVELS)
    root = pathlib.Path(folder).expanduser()
    files = find_images(root)
    chosen = splits.choose(split, len(files))
    reader = FolderReader(root, [files[i] for i in chosen], image_format)
    examples = reader.examples()
    if cache:
        examples = examples.cache()  # the check fills it
    count = reader.check(examples, on_damaged)
    if not cache:
        examples = reader.examples()  # of the sound files, which are known by now
    return examples.apply(tf.data.experimental.assert_cardinality(count))


def find_images(root: pathlib.Path) -> list[tuple[str, int]]:
    """Lists the images of a folder by their suffix, with their labels.

    Hidden files and folders are passed over.

    Args:
        root: the folder.

    Returns:
        Pairs of the path relative to `root`, with forward slashes, and the label,
        sorted by path. Labels count the sorted names of the class folders; images
        directly in `root` are a class before all others.

    Raises:
        FileNotFoundError: if there is no such folder or no image in it.
    """
    if not root.is_dir():
        raise FileNotFoundError(
            f"There is no folder {str(root)!r}. Pass 'folder:PATH' where "
            "PATH/<class>/<image> or PATH/<image> exists."
        )
    _, folders, names = next(os.walk(root))
    classes = [
        sorted(path.relative_to(root).as_posix() for path in _images_below(root / name))
        for name in sorted(filter(_is_visible, folders))
    ]
    direct = list(filter(_is_image, names))
    if direct:
        classes.insert(0, direct)
    found = sorted(
        (path, label) for label, paths in enumerate(classes) for path in paths
    )
    if not found:
        raise FileNotFoundError(
            f"No image was found in {str(root)!r} or its class folders. Looked for "
            f"files that end in {', '.join(SUFFIXES)}."
        )
    return found


def _is_visible(name: str) -> bool:
    return not name.startswith(".")


def _is_image(name: str) -> bool:
    return _is_visible(name) and name.lower().endswith(SUFFIXES)


def _images_below(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    for parent, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = filter(_is_visible, folders)
        yield from (pathlib.Path(parent, name) for name in names if _is_image(name))


def _raise(error: OSError) -> None:
    """Makes os.walk stop at a folder that it cannot list, and not pass it over."""
    raise error
