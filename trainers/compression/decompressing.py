"""Decompression of a stream to image files or an array."""

import contextlib
import json
import pathlib
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

import keras_pixelcnn as kp
from keras_pixelcnn.codecs import DamagedStreamError, Header, PixelCNNCodec
from keras_pixelcnn.files import replace_when_written
from trainers.compression import picture_files
from trainers.compression.compressing import CodingProgress, most_note_bytes


def unpack(metadata: bytes, num_images: int) -> dict[str, Any]:
    """Unpacks the notes that travel with images.

    Args:
        metadata: as `compressing.pack` gave it; empty where there are none.
        num_images: so many names there must be, if any.

    Raises:
        DamagedStreamError: when they are none.
    """
    if not metadata:
        return {}
    try:
        text = zlib.decompressobj().decompress(metadata, most_note_bytes(num_images))
        notes = json.loads(text)
    except (zlib.error, ValueError, RecursionError) as error:
        raise DamagedStreamError(
            f"The stream's notes make no sense: {error}"
        ) from error
    if not isinstance(notes, dict):
        raise DamagedStreamError("The stream's notes make no sense: they have no keys.")
    names = notes.get("names")
    is_sound = names is None or (
        isinstance(names, list)
        and len(names) == num_images
        and all(isinstance(name, str) for name in names)
    )
    if not is_sound:
        raise DamagedStreamError("The stream must have a name for each of its images.")
    return notes


def decompress(
    model: kp.AutoregressiveImageModel, data: bytes, header: Header
) -> np.ndarray | list[np.ndarray]:
    """Decompresses the images of a stream.

    Raises:
        ValueError: as `PixelCNNCodec.decompress`.
    """
    with contextlib.closing(
        CodingProgress(header.num_tiles, model.num_dims)
    ) as progress:
        return PixelCNNCodec(model).decompress(data, on_batch=progress)


def check_output(output: str, header: Header, names: Sequence[str] | None) -> None:
    """Checks that `save` will be able to write the output.

    Args:
        output: as for `save`.
        header: of the stream.
        names: as for `save`.

    Raises:
        FileExistsError: when there is such a folder.
        ValueError: when an array is asked for of images of several sizes, or files
            cannot have these names.
    """
    if pathlib.Path(output).suffix == ".npz":
        _check_one_size(output, {run[1:] for run in header.sizes})
        return
    picture_files.check_is_new(output)
    picture_files.written_paths(names or [])


def save(
    output: str, images: np.ndarray | list[np.ndarray], names: Sequence[str] | None
) -> None:
    """Writes images to an .npz file, or as PNG files into a new folder.

    Args:
        output: an .npz file that holds them as "image", or a folder.
        images: of a stream.
        names: of the files. Default: numbers.

    Raises:
        FileExistsError: when there is such a folder.
        ValueError: when an array is asked for of images of several sizes, or as
            `picture_files.write`.
    """
    if pathlib.Path(output).suffix == ".npz":
        _check_one_size(output, {image.shape for image in images})
        # An open file, as NumPy would add a suffix to a name.
        with replace_when_written(output) as part, open(part, "wb") as file:
            np.savez_compressed(file, image=np.asarray(images))
        return
    if names is None:
        digits = len(str(max(len(images) - 1, 0)))
        names = [f"{i:0{digits}}.png" for i in range(len(images))]
    picture_files.write(output, images, names)


def _check_one_size(output: str, sizes: set[tuple[int, ...]]) -> None:
    if len(sizes) > 1:
        raise ValueError(
            "An array must hold images of one size. Received: several sizes. Choose a "
            f"folder as output. Received: output={output!r}"
        )
