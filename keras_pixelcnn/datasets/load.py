"""`load`: images and labels from any source, as `tf.data.Dataset`."""

import os
import pathlib

import numpy as np
import tensorflow as tf

from keras_pixelcnn.checks import is_integer
from keras_pixelcnn.datasets import (
    captions,
    emoji,
    folder,
    glyphs,
    idx,
    image_file,
    patches,
    splits,
    tfds_source,
)
from keras_pixelcnn.datasets.image_format import ImageFormat, checked_size
from keras_pixelcnn.datasets.tfds_builder import find_builder

_DIGITS_LEVELS = 17

# Without a cache a shuffle buffer holds images of its own, so it must have a bound.
UNCACHED_SHUFFLE_BUFFER = 10_000

# Sources that are named by a prefix and a path, and the levels that their pixels have.
_LEVELS_OF_PREFIX = {
    "emoji:": emoji.NUM_LEVELS,
    "folder:": image_file.NUM_LEVELS,
    "glyphs:": glyphs.NUM_LEVELS,
    "idx:": idx.NUM_LEVELS,
    "patches:": image_file.NUM_LEVELS,
}


def load(
    name: str,
    split: str = "train",
    *,
    batch_size: int | None = None,
    image_size: int | tuple[int, int] | None = None,
    color_mode: str | None = None,
    num_levels: int | None = None,
    shuffle: bool | None = None,
    seed: int = 0,
    cache: bool = True,
    data_dir: str | os.PathLike[str] | None = None,
    on_damaged: str = "skip",
    label_feature: str | None = None,
    with_path: bool = False,
) -> tf.data.Dataset:
    """Loads images and labels from the embedded digits, tfds or files.

    `name` takes one of eight forms:

    - `"digits"`: 1,797 handwritten digits of 8x8 pixels and 17 levels, which come with
      scikit-learn: nothing is downloaded.
    - `"captions"`: RGB pictures of 20x20 pixels and 2 levels of coloured shapes, each
      with a sentence as "caption"; drawn while loading. The test split shows
      combinations of colour and shape that the others never do.
    - a tensorflow-datasets name: `"mnist"`, `"emnist/letters"`,
      `"mnist:3.0.1"`. Its features "image" and, if it is an integer, "label" are
      read. Data that is not prepared in `data_dir` is downloaded. uint8 images count
      as 256 levels, uint16 images as 65,536, whether or not all of them occur, and
      those of `"binarized_mnist"`, stored as 0 and 1, as 2.
    - `"folder:PATH"`: images as PATH/<class>/<image>, where labels count the sorted
      class folders (numbers as numbers; the list is logged), or PATH/<image>. Folders
      named train, validation (or val, valid) and test are the splits, each with the
      class folders; where validation or test has none, 10 percent of train are taken.
      16-bit greys are reduced to 256 levels,
      transparency is laid over white, EXIF orientation is followed, and of animations
      the first picture is taken. Each file of the split is decoded once while loading,
      and files that cannot be read are left out and named in the log.
    - `"idx:PATH"`: the files in which MNIST, Fashion-MNIST and KMNIST are published,
      train-images-idx3-ubyte, train-labels-idx1-ubyte and the same of t10k, each with
      or without .gz.
    - `"patches:PATH"`: small pieces of the photos of a folder, which are found and
      read as those of `"folder:PATH"`, or, with `"patches:sample_photos"`, of the two
      photos that come with scikit-learn. `image_size` is the size of a patch, (32, 32)
      unless given; nothing is scaled. Patches are RGB unless `color_mode` is
      "grayscale".
    - `"glyphs:PATH"`: the letters A to Z, a to z and 0 to 9 of every font (.ttf, .otf)
      in a folder and those below it, drawn white on black, 28x28 unless `image_size` is
      given. Labels count the fonts, sorted by name, or say which letter it is
      (`label_feature`). Fonts without all letters, and copies of others, are left out
      and named in the log.
    - `"emoji:PATH"`: RGB pictures of 32x32 pixels on white, from packages of npm that
      are unpacked below PATH, such as `emoji-datasource-google` and
      `emoji-datasource-twitter`. Labels are the nine categories of
      `datasets.emoji.CATEGORIES`, or what these are divided into (`label_feature`).

    Digits, and folders without such splits, are divided 80/10/10 into "train",
    "validation" and "test"; "all" is the three together. The division depends on the
    number of images and the order of their paths alone, never on `seed`. Glyphs have
    the same splits, by the names of fonts: those of one family are in one split; emoji
    too, by what an emoji is about, whatever its maker, skin tone or sex. Patches have
    the splits of folders: 10 photos or more are divided, of fewer each photo is cut
    into three bands; only training patches overlap, by half. The splits of a tfds
    dataset are its own, with slices and sums such as "train[:90%]" or "train+test". IDX
    files have "train" and "test", with the same slices and sums, but in the order of
    the files, which is not that of tfds.

    Images become grey or RGB first; then the centre that has the proportions of
    `image_size` is cut out, as large as it can be, and scaled (antialiased), except for
    patches and glyphs; then the levels are merged.

    The finished examples are kept in memory, height x width x channels bytes each and
    four times that above 256 levels, so that only the first epoch reads and decodes.
    For more images than fit into memory pass `cache=False`: they are then read again
    each epoch, and shuffled through a buffer of 10,000 instead of all together. Digits,
    emoji, IDX files and patches are in memory once more, as stored, with and without
    `cache`.

    Args:
        name: what to load, in one of the eight forms above.
        split: which part. Defaults to "train".
        batch_size: examples a batch; the last batch holds what remains. Defaults to
            None, single examples.
        image_size: height and width, or a number for both. Defaults to None, as
            stored, which requires that all images have one size; for patches (32, 32),
            for glyphs (28, 28).
        color_mode: "grayscale" (ITU-R 601 luma) or "rgb". Defaults to None, as stored;
            for patches "rgb".
        num_levels: number of values that a pixel can take, at most as many as the
            source has: value v of L becomes floor(v * num_levels / L). Merging is
            logged. Defaults to None, as stored.
        shuffle: whether to shuffle, in a fresh order each epoch. Defaults to None,
            which shuffles when `split` starts with "train".
        seed: seed of the shuffled orders. They repeat for the same seed, in the same
            state of `tf.random.set_seed`. Defaults to 0.
        cache: whether to keep the images in memory. Defaults to True.
        data_dir: where tfds keeps its data; no other source uses it. Defaults to
            None, tfds's own default, ~/tensorflow_datasets or $TFDS_DATA_DIR.
        on_damaged: "skip" or "raise", what to do about images, photos or fonts of a
            folder that cannot be read. Defaults to "skip". Damaged IDX files always
            raise.
        label_feature: what a tfds dataset calls the labels, with slashes where it is
            inside of others, as "identity/Identity_No" of "celeb_a". Texts, such as the
            names of persons in "lfw", are read once and numbered as they are sorted,
            over all splits. Of glyphs "font", or "letter" for the letters' places in
            A to Z, a to z, 0 to 9; of emoji "category", or "subcategory" for some
            hundred kinds, as "face-smiling"; no other source uses it. Defaults to None:
            "label" if it is an integer, fonts, and categories.
        with_path: whether each example of a folder of images tells its file: a string
            "path", relative to the folder. Defaults to False.

    Returns:
        A dataset of {"image", "label"}. Images have the static shape (height, width,
        channels), led by the batch if there is one, and integers in [0, levels) as
        uint8, or int32 above 256 levels. Labels are int64 scalars, -1 where the
        dataset has none; the captions of "captions" are strings. The cardinality is
        known.

    Raises:
        ValueError: if an argument is wrong, with what would be right.
        FileNotFoundError: if the folder, any image or font in it, or an IDX file is
            missing.
        DamagedImageError: if a file cannot be read and `on_damaged` is "raise", if
            none of the files can be, or if an IDX file is damaged.
        DatasetUnavailableError: if tfds has the dataset, but its data is not here,
            or not whole, and cannot be downloaded.

    Example:
        >>> train = load("digits", batch_size=64)
        >>> test = load("folder:~/faces", "test", image_size=(32, 32), num_levels=16)
        >>> photos = load("patches:sample_photos", color_mode="grayscale")
        >>> model.fit(train)
    """
    image_format = ImageFormat(checked_size(image_size), color_mode, num_levels)
    _check_arguments(name, split, batch_size, on_damaged)
    prefix, path = _divide_name(name)
    if with_path and prefix != "folder:":
        raise ValueError(
            "`with_path` is for 'folder:PATH', whose images are files. "
            f"Received: {name!r}"
        )
    if name == "digits":
        examples = _read_digits(split, image_format)
    elif name == "captions":
        examples = captions.read(split, image_format)
    elif prefix == "folder:":
        examples = folder.read(
            path,
            split,
            image_format,
            cache=cache,
            on_damaged=on_damaged,
            with_path=with_path,
        )
    elif prefix == "emoji:":
        examples = emoji.read(path, split, image_format, label_feature)
    elif prefix == "glyphs:":
        examples = glyphs.read(
            path,
            split,
            image_format,
            on_damaged=on_damaged,
            label_feature=label_feature,
        )
    elif prefix == "idx:":
        examples = idx.read(path, split, image_format)
    elif prefix == "patches:":
        examples = patches.read(path, split, image_format, on_damaged=on_damaged)
    else:
        examples = tfds_source.read(
            name, split, image_format, data_dir=data_dir, label_feature=label_feature
        )
    return finish(
        examples,
        cache=cache,
        shuffle=split.startswith("train") if shuffle is None else shuffle,
        seed=seed,
        batch_size=batch_size,
    )


def native_num_levels(name: str, data_dir: str | os.PathLike[str] | None = None) -> int:
    """Returns how many values a pixel of a source can take; downloads nothing.

    Args:
        name: as in `load`.
        data_dir: as in `load`. Defaults to None.

    Returns:
        17 for "digits", 2 for "captions", 256 for emoji, folders, glyphs, IDX files and
        patches, 256 or 65,536 for tfds datasets, 2 for "binarized_mnist".

    Raises:
        ValueError: if there is no such dataset, or it has no images.

    Example:
        >>> native_num_levels("digits")
        17
    """
    if name == "digits":
        return _DIGITS_LEVELS
    if name == "captions":
        return captions.NUM_LEVELS
    prefix, _ = _divide_name(name)
    if prefix:
        return _LEVELS_OF_PREFIX[prefix]
    return tfds_source.num_levels(name, find_builder(name, data_dir))


def label_names(
    name: str,
    data_dir: str | os.PathLike[str] | None = None,
    label_feature: str | None = None,
) -> tuple[str, ...] | None:
    """Returns what the labels of a source are called; reads and downloads no image.

    Args:
        name: as in `load`.
        data_dir: as in `load`. Defaults to None.
        label_feature: as in `load`. Defaults to None.

    Returns:
        The names of class folders, of emoji's categories or subcategories, of a tfds
        dataset's feature, or the letters of fonts, in the order of the labels; None
        where nobody named them.

    Raises:
        ValueError, FileNotFoundError: as `load` does.

    Example:
        >>> label_names("folder:flowers")
        ('daisy', 'tulip')
    """
    prefix, path = _divide_name(name)
    if name == "digits":
        return tuple("0123456789")
    if prefix == "folder:" or (prefix == "patches:" and path != patches.SAMPLE_PHOTOS):
        root = pathlib.Path(path).expanduser()
        names = folder.find_images(root, with_classes=prefix == "folder:").class_names
        return names or None
    if prefix == "glyphs:" and label_feature == "letter":
        return tuple(glyphs.LETTERS)
    if prefix == "emoji:":
        return emoji.label_names(path, label_feature)
    return None if prefix else tfds_source.label_names(name, data_dir, label_feature)


def _divide_name(name: str) -> tuple[str, str]:
    """Splits "folder:PATH" into "folder:" and "PATH"; other names have no prefix."""
    for prefix in _LEVELS_OF_PREFIX:
        if name.startswith(prefix):
            return prefix, name.removeprefix(prefix)
    return "", name


def _check_arguments(
    name: str, split: str, batch_size: int | None, on_damaged: str
) -> None:
    for argument, value in (("name", name), ("split", split)):
        if not isinstance(value, str) or not value:
            raise ValueError(f"`{argument}` must be a string, received {value!r}.")
    is_number = is_integer(batch_size, 1)
    if batch_size is not None and not is_number:
        raise ValueError(
            "`batch_size` must be a positive integer or None (single examples), "
            f"received {batch_size!r}."
        )
    if on_damaged not in ("skip", "raise"):
        raise ValueError(
            f'`on_damaged` must be "skip" or "raise", received {on_damaged!r}.'
        )


def _read_digits(split: str, image_format: ImageFormat) -> tf.data.Dataset:
    """Reads one split of the 1,797 images of 8x8 pixels, 0 to 16."""
    from sklearn.datasets import load_digits

    image_format.check_levels(_DIGITS_LEVELS)
    images, labels = load_digits(return_X_y=True)
    chosen = splits.choose(split, len(images))
    return image_format.examples(
        images[chosen].reshape(-1, 8, 8, 1).astype(np.uint8),
        labels[chosen].astype(np.int64),
        _DIGITS_LEVELS,
    )


def finish(
    examples: tf.data.Dataset,
    *,
    cache: bool,
    shuffle: bool,
    seed: int,
    batch_size: int | None,
) -> tf.data.Dataset:
    """Caches, shuffles, batches and prefetches, in this order.

    Args:
        examples: single examples of static shapes.
        cache: whether to keep the examples in memory once they were read.
        shuffle: whether to shuffle: all examples with a cache, else through a
            buffer of 10,000 examples.
        seed: seed of the order, which is a fresh one each epoch.
        batch_size: examples a batch, the last of which may be smaller; None for
            single examples.

    Returns:
        The dataset, of known cardinality where that of `examples` is known.
    """
    if cache:
        examples = examples.cache()
    if shuffle:
        count = int(examples.cardinality())  # negative where it is not known
        buffer = count if cache else min(count, UNCACHED_SHUFFLE_BUFFER)
        examples = examples.shuffle(
            UNCACHED_SHUFFLE_BUFFER if count < 0 else max(1, buffer),
            seed=seed,
            reshuffle_each_iteration=True,
        )
    if batch_size is not None:
        examples = examples.batch(batch_size)
    return examples.prefetch(tf.data.AUTOTUNE)
