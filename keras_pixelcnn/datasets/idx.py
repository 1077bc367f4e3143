"""IDX files, in which MNIST, Fashion-MNIST and KMNIST are published."""

import functools
import gzip
import math
import os
import pathlib
import struct
import zlib

import numpy as np
import tensorflow as tf

from keras_pixelcnn.datasets.errors import DamagedImageError
from keras_pixelcnn.datasets.image_format import ImageFormat

NUM_LEVELS = 256

_FILE_PREFIXES = {"train": "train", "test": "t10k"}
_GZIP_START = b"\x1f\x8b"
_CHUNK = 2**20
_ADVICE = (
    "For Fashion-MNIST, Debian's package dataset-fashion-mnist puts them in "
    "/usr/share/datasets/fashion-mnist."
)


def read(
    folder: str | os.PathLike[str], split: str, image_format: ImageFormat
) -> tf.data.Dataset:
    """Reads one split of a folder of IDX files.

    These are train-images-idx3-ubyte, train-labels-idx1-ubyte and the same two of
    t10k, which is the split "test"; each may be compressed and have the suffix .gz,
    and may have a dot before "idx". Files of splits that are not asked for may be
    missing. The images of the splits asked for are kept in memory as uint8.

    Examples come in the order of the files. A slice such as "train[:55000]" thus has
    as many images as that of tfds, but not the same ones: tfds shuffles the files
    when it prepares them.

    Args:
        folder: holds the files.
        split: "train", "test", "all", or slices and sums of the first two as in
            tensorflow-datasets: "train[:55000]", "train[90%:]", "train+test".
        image_format: what the images shall look like.

    Returns:
        Single examples: {"image": (h, w, c), "label": int64 in [0, 256)}.

    Raises:
        FileNotFoundError: if there is no such folder, or a file is not in it.
        ValueError: if the split is wrong or empty, or asks for too many levels.
        DamagedImageError: if a file is not what its header says, or two files do not
            belong together.
    """
    image_format.check_levels(NUM_LEVELS)
    images, labels = _read_split(pathlib.Path(folder).expanduser(), split)
    return image_format.examples(images, labels, NUM_LEVELS)


class _Part:
    """The training or the test files, read when they are first asked for.

    It has the attributes that tfds asks a split for when it resolves a slice.
    """

    def __init__(self, root: pathlib.Path, name: str) -> None:
        self.root = root
        self.name = name

    @functools.cached_property
    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Images, (n, rows, columns, 1) uint8, and labels, (n,) int64."""
        prefix = _FILE_PREFIXES[self.name]
        images_path = _find_file(self.root, f"{prefix}-images", 3)
        labels_path = _find_file(self.root, f"{prefix}-labels", 1)
        images = _read_array(images_path, 3)
        labels = _read_array(labels_path, 1)
        if len(labels) != len(images):
            raise DamagedImageError(
                f"{str(labels_path)!r} must hold a label for each of the "
                f"{len(images)} images of {images_path.name!r}, but holds "
                f"{len(labels)}. Both must be of one dataset: copy them again."
            )
        return images[..., np.newaxis], labels.astype(np.int64)

    @property
    def num_examples(self) -> int:
        """The number of images."""
        return len(self.arrays[0])

    @property
    def shard_lengths(self) -> list[int]:
        """The number of images of each file."""
        return [self.num_examples]


def _read_split(root: pathlib.Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    import tensorflow_datasets as tfds

    parts = {name: _Part(root, name) for name in _FILE_PREFIXES}
    try:
        chosen = tfds.core.ReadInstruction.from_spec(split).to_absolute(parts)
    except DamagedImageError:  # a ValueError too, which says nothing of the split
        raise
    except (NotImplementedError, ValueError) as error:
        raise ValueError(
            f"`split` must be {', '.join(map(repr, parts))}, 'all', or a slice or sum "
            f"of the first two such as 'train[:90%]' or 'train+test', received "
            f"{split!r}. {error}"
        ) from error
    arrays = [
        [array[part.from_ : part.to] for array in parts[part.splitname].arrays]
        for part in chosen
    ]
    images, labels = zip(*arrays, strict=True)
    sizes = sorted({image.shape[1:3] for image in images})
    if len(sizes) > 1:
        raise DamagedImageError(
            f"The training and test images in {str(root)!r} must be of one size to be "
            f"joined in split {split!r}, but are {' and '.join(map(str, sizes))}. "
            "Copy all files of one dataset."
        )
    if not any(map(len, images)):
        raise ValueError(
            f"Split {split!r} of the IDX files in {str(root)!r} is empty. Pass a slice "
            "that holds images."
        )
    # A lone part stays a view, which spares a copy of all images.
    return (
        np.concatenate(images) if len(images) > 1 else images[0],
        np.concatenate(labels) if len(labels) > 1 else labels[0],
    )


def _find_file(root: pathlib.Path, stem: str, dimensions: int) -> pathlib.Path:
    names = [
        f"{stem}{separator}idx{dimensions}-ubyte{suffix}"
        for separator in "-."
        for suffix in ("", ".gz")
    ]
    for name in names:
        if (root / name).is_file():  # archives often unpack to folders of these names
            return root / name
    if not root.is_dir():
        raise FileNotFoundError(
            f"There is no folder {str(root)!r}. Pass 'idx:PATH' where PATH holds the "
            f"IDX files, {names[1]} and so on. {_ADVICE}"
        )
    raise FileNotFoundError(
        f"No IDX file {stem!r} was found in {str(root)!r}. Looked for "
        f"{', '.join(names)}. {_ADVICE}"
    )


def _read_array(path: pathlib.Path, dimensions: int) -> np.ndarray:
    with path.open("rb") as file:
        # What a download is named does not tell whether it is still compressed.
        is_compressed = file.read(len(_GZIP_START)) == _GZIP_START
    try:
        with gzip.open(path) if is_compressed else path.open("rb") as file:
            shape = _read_shape(path, file.read(4 + 4 * dimensions), dimensions)
            wanted = math.prod(shape)
            content = bytearray()
            # In chunks: what a damaged header asks for may exceed all memory.
            while len(content) <= wanted and (chunk := file.read(_CHUNK)):
                content += chunk
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _damage(path, "a whole gzip file", f"a damaged one ({error})") from error
    if len(content) != wanted:
        received = "more" if len(content) > wanted else f"{len(content)} bytes"
        expected = f"{wanted} bytes after a header that tells the sizes {shape}"
        raise _damage(path, expected, received)
    return np.frombuffer(content, np.uint8).reshape(shape)


def _read_shape(path: pathlib.Path, header: bytes, dimensions: int) -> tuple[int, ...]:
    magic_number = bytes([0, 0, 8, dimensions])
    if header[:4] != magic_number:
        expected = (
            f"an IDX file of bytes in {dimensions} dimensions, which starts with the "
            f"magic number {magic_number.hex(' ')}"
        )
        raise _damage(path, expected, header[:4].hex(" ") or "an empty file")
    if len(header) < 4 + 4 * dimensions:
        expected = f"a header of {4 + 4 * dimensions} bytes"
        raise _damage(path, expected, f"a file of {len(header)} bytes")
    shape = struct.unpack(f">{dimensions}I", header[4:])
    if 0 in shape[1:]:
        raise _damage(path, "images of at least one pixel", f"the sizes {shape}")
    return shape


def _damage(path: pathlib.Path, expected: str, received: str) -> DamagedImageError:
    return DamagedImageError(
        f"{str(path)!r} is damaged: expected {expected}, received {received}. Copy the "
        "file again."
    )
