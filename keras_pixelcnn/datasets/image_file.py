"""Decoding of image files: pixels of 8 or 16 bits, masks, and levels of a model.

Transparent pixels of an image are laid over white, those of a mask are unknown.
"""

import contextlib
import os
import pathlib
import typing
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from absl import logging

from keras_pixelcnn.pixel_values import (
    MASK_RULE,
    are_ends,
    is_shade,
    is_white,
    luma,
    over_white,
    to_levels,
)

if typing.TYPE_CHECKING:
    from PIL import Image, ImageFile

SUFFIXES = tuple(
    ".avif .bmp .dib .gif .jfif .jp2 .jpe .jpeg .jpg .pbm .pgm .png .pnm .ppm .tga "
    ".tif .tiff .webp".split()
)
NUM_LEVELS = 256

# Those of `SUFFIXES`: Pillow would start Ghostscript for an EPS file of any name.
_FORMATS = "AVIF BMP DIB GIF JPEG JPEG2000 PNG PPM TGA TIFF WEBP".split()

_GRAY_MODES = ("1", "L", "LA", "La")
_TIFF_BITS_PER_SAMPLE = 258
_TIFF_PHOTOMETRIC = 262
_TIFF_SAMPLES_PER_PIXEL = 277
_TIFF_PLANES = 284
_TIFF_SAMPLE_FORMAT = 339
_START_BYTES = 2**16
"""Bytes at the beginning of a file in which JPEG 2000 and AVIF tell their depth."""

_MOST_SCANS = 100
"""Of a JPEG file. Each may be a few bytes, and takes as long as the whole picture; that
is libtiff's limit, too."""

_PIXELS_AT_ONCE = 2**20
"""They are laid over white and reduced in pieces: 90 million at once took 3 GB."""

_MOST_VALUES_NAMED = 5


@contextlib.contextmanager
def open_image(path: pathlib.Path) -> Iterator["ImageFile.ImageFile"]:
    """Opens an image file without decoding it.

    Args:
        path: the file.

    Yields:
        Pillow's image.

    Raises:
        OSError: when there is no such file, or no image in it.
        ValueError: when the path is no regular file, or a JPEG file of more than 100
            scans.
    """
    from PIL import Image

    if path.exists() and not path.is_file():  # reading a pipe would wait for good
        raise ValueError(f"{path} is no regular file")
    Image.init()
    formats = [name for name in _FORMATS if name in Image.OPEN]  # AVIF since 11.3
    with Image.open(path, formats=formats) as image:
        if image.format in ("JPEG", "MPO"):
            scans = path.read_bytes().count(b"\xff\xda")
            if scans > _MOST_SCANS:
                raise ValueError(
                    f"a JPEG file must have at most {_MOST_SCANS} scans. "
                    f"Received: {scans}"
                )
        yield image


def stored_bits(image: "ImageFile.ImageFile") -> int:
    """Returns how many bits the file has for each value; Pillow may decode fewer.

    Args:
        image: a Pillow image file, as `open_image` yields it, not yet decoded.
    """
    from PIL import TiffImagePlugin

    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return max(image.tag_v2.get(_TIFF_BITS_PER_SAMPLE, (1,)))
    codec, _, _, arguments = image.tile[0] if image.tile else ("", None, 0, None)
    if image.format == "PNG":
        return 16 if str(arguments).endswith(";16B") else 8
    if codec in ("ppm", "ppm_plain"):
        return int(arguments[-1]).bit_length()  # the largest value
    if image.format in ("JPEG2000", "AVIF"):
        return _bits_in_box(image)
    return 16 if image.mode.startswith("I") else 8


def unread_of_tiff(image: "ImageFile.ImageFile") -> str | None:
    """Names what a TIFF file has that Pillow would take for something else.

    Args:
        image: a Pillow image file, as `open_image` yields it; of any format.

    Returns:
        None where there is nothing.
    """
    from PIL import TiffImagePlugin

    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return None
    bits = stored_bits(image)
    if 8 < bits < 16:
        return f"{bits}-bit pixels"
    if bits <= 16 and 2 in image.tag_v2.get(_TIFF_SAMPLE_FORMAT, ()):
        return "signed pixels"
    if bits > 8 and image.tag_v2.get(_TIFF_PHOTOMETRIC) == 0:
        return f"{bits}-bit pixels of which 0 is white"
    samples = image.tag_v2.get(_TIFF_SAMPLES_PER_PIXEL, 1)
    in_planes = image.tag_v2.get(_TIFF_PLANES) == 2 and samples > 1
    if in_planes and (bits > 8 or samples < 3):
        return f"{samples} planes of {bits} bits"
    return None


def has_more_samples(image: "ImageFile.ImageFile") -> bool:
    """Returns whether a TIFF file has more values a pixel than Pillow decodes."""
    samples = getattr(image, "tag_v2", {}).get(_TIFF_SAMPLES_PER_PIXEL, 1)
    return samples > len(image.getbands())


def _bits_in_box(image: "ImageFile.ImageFile") -> int:
    position = image.fp.tell()
    image.fp.seek(0)
    start = image.fp.read(_START_BYTES)
    image.fp.seek(position)
    if image.format == "AVIF":
        box = start.find(b"av1C")
        flags = start[box + 6] if 0 <= box < len(start) - 6 else 0
        return 8 + 2 * bool(flags & 0x40) + 2 * bool(flags & 0x60 == 0x60)
    size = start.find(b"\xff\x4f\xff\x51")  # of a codestream: its sizes
    num_channels = int.from_bytes(start[size + 40 : size + 42], "big")
    depths = start[size + 42 : size + 42 + 3 * num_channels : 3]
    return max((depth & 0x7F) + 1 for depth in depths) if size >= 0 and depths else 8


class _Layer(typing.NamedTuple):
    """Decoded pixels at a depth of 8 or 16 bits."""

    values: np.ndarray
    """Integers (height, width, 1 or 3)."""
    alpha: np.ndarray | None
    """Integers (height, width, 1), or None where nothing is transparent."""
    largest: int
    """Value of white."""


class _Picture(typing.NamedTuple):
    """A decoded picture, and what its file says of it."""

    image: "Image.Image"
    bits: int
    is_grey: bool

    def layer(self, color_mode: str | None, rows: slice = slice(None)) -> _Layer:
        """Converts some rows, or all."""
        width, height = self.image.size
        top, bottom, _ = rows.indices(height)
        image = self.image.crop((0, top, width, bottom))
        transparent = image.info.get("transparency")
        if image.mode.startswith("I"):  # Pillow has several modes of 16 bits
            values = np.asarray(image).astype(np.int64)[..., np.newaxis]
            alpha = None if transparent is None else (values != transparent) * 65535
            return _Layer(values, alpha, 65535)
        channels = {"grayscale": "L", "rgb": "RGB"}.get(
            color_mode, "L" if self.is_grey else "RGB"
        )
        if not image.has_transparency_data:
            values = np.asarray(image.convert(channels))
            return _Layer(values.reshape(*values.shape[:2], -1), None, 255)
        values = np.asarray(image.convert("RGBA")).astype(np.int32)
        values, alpha = values[..., :3], values[..., 3:]
        return _Layer(
            luma(*np.split(values, 3, axis=-1)) if channels == "L" else values,
            alpha,
            255,
        )


def _decode(file: "ImageFile.ImageFile") -> _Picture:
    """Decodes an open image, upright as its EXIF data says.

    Raises:
        ValueError: when it has more pixels than `PIL.Image.MAX_IMAGE_PIXELS`, values
            have no fixed range or are signed, or Pillow would read others.
        Exception: of nearly any kind, when the file is damaged.
    """
    from PIL import Image, ImageOps

    width, height = file.size
    most = Image.MAX_IMAGE_PIXELS
    if most is not None and width * height > most:
        raise ValueError(
            f"an image must have at most {most:,} pixels, and it has {width} x "
            f"{height}; raise PIL.Image.MAX_IMAGE_PIXELS for larger ones"
        )
    unread = unread_of_tiff(file)
    if unread is not None:
        raise ValueError(f"{unread} cannot be read exactly")
    bits = stored_bits(file)
    if file.format == "TIFF":
        # Pillow would map the file, by the size that the picture has once it is turned.
        file.filename = ""
    for tile in file.tile:
        # Of grey PNG files Pillow stretches the values, but not the transparent one.
        scale = {"L;2": 85, "L;4": 17}.get(str(tile[3]), 1)
        if scale > 1 and isinstance(file.info.get("transparency"), int):
            file.info["transparency"] *= scale
    # Pillow makes colours of a grey PNG file of 16 bits with alpha.
    is_grey = file.mode in _GRAY_MODES or any(tile[3] == "LA;16B" for tile in file.tile)
    file.load()
    ImageOps.exif_transpose(file, in_place=True)  # a copy would be as large again
    if file.mode == "F" or (file.mode.startswith("I") and bits > 16):
        kind = "floating-point" if file.mode == "F" else f"{bits}-bit"
        raise ValueError(f"{kind} pixels have no fixed range, such as 16 bits have")
    is_deep_colour = bits > 8 and not file.mode.startswith("I")
    if is_deep_colour and isinstance(file.info.get("transparency"), tuple):
        raise ValueError("colours of 16 bits with a transparent one cannot be read")
    return _Picture(file, bits, is_grey)


def read_image(
    path: pathlib.Path,
    color_mode: str | None = None,
    least_side: int | None = None,
    bits: int = 8,
) -> np.ndarray:
    """Reads the first picture of an image file, upright as its EXIF data says.

    Transparency is laid over white; palettes and other colour spaces become RGB.

    Args:
        path: the file.
        color_mode: "grayscale", "rgb" or None for 1 channel if the file is grey
            and 3 if it has colours or a palette.
        least_side: JPEG files may be decoded at a fraction of their size, much
            faster, as long as both sides stay at least this long. None decodes all.
        bits: of a value. With 8, files of 16 bits lose their lower 8; with 16, those
            of 8 bits are stretched. Default 8.

    Returns:
        Values in [0, 2**bits), uint8 or uint16, shape (height, width, 1 or 3).

    Raises:
        Exception: of nearly any kind, if the file is damaged, or not as `open_image`
            takes it; ValueError, if its pixels have no fixed range, or 16 bits are
            asked for of colours of which Pillow reads 8.
    """
    with open_image(path) as image:
        if least_side is not None:
            image.draft(None, (least_side, least_side))
        picture = _decode(image)
        width, height = picture.image.size
        rows = max(_PIXELS_AT_ONCE // width, 1)
        parts = [
            _as_pixels(
                picture.layer(color_mode, slice(top, top + rows)),
                color_mode,
                bits,
                picture.bits,
            )
            for top in range(0, height, rows)
        ]
    return np.concatenate(parts)


def _as_pixels(
    layer: _Layer, color_mode: str | None, bits: int, stored: int
) -> np.ndarray:
    """Lays rows over white and brings them to the depth asked for."""
    values, largest = layer.values, layer.largest
    if bits == 16 and stored > 8 and largest < 65535:
        raise ValueError("colours of more than 8 bits cannot be read exactly")
    if layer.alpha is not None:
        values = over_white(values, layer.alpha, largest)
    if color_mode == "rgb":
        values = np.broadcast_to(values, (*values.shape[:2], 3))
    if bits == 8:
        return (values >> 8 if largest == 65535 else values).astype(np.uint8)
    return (values if largest == 65535 else values.astype("u2") * 257).astype("u2")


def read_mask(path: pathlib.Path) -> np.ndarray:
    """Reads a mask: white where pixels are known, black or transparent where not.

    What is white is a matter of the file's own depth. A mask that keeps all pixels, or
    none, is told in the log.

    Args:
        path: the file.

    Returns:
        bool (height, width), True where pixels are known.

    Raises:
        ValueError: when the picture is not black and white.
        Exception: as `read_image`.
    """
    with open_image(path) as image:
        picture = _decode(image)
        depth, layer = picture.bits, picture.layer("grayscale")
    values, largest = layer.values.astype(np.int64), layer.largest
    if depth > 8 and largest < 65535:
        raise ValueError("colours of more than 8 bits cannot be read exactly")
    if layer.alpha is not None:
        values = values * layer.alpha // largest  # laid over black
    values = values[..., 0]
    has_ends = are_ends(values.min(), values.max(), largest)
    if is_shade(values, largest).any() or not has_ends:
        found = np.unique(values)
        more = ", ..." if len(found) > _MOST_VALUES_NAMED else ""
        raise ValueError(
            f"A mask {MASK_RULE}. Received: values "
            f"{', '.join(map(str, found[:_MOST_VALUES_NAMED]))}{more} up to "
            f"{found[-1]}, where white is {largest}, in {path}"
        )
    mask = is_white(values, largest)
    if mask.all() or not mask.any():
        which = "all pixels: nothing" if mask.all() else "no pixel: all of it"
        logging.warning("The mask %s keeps %s is sampled.", path, which)
    return mask


class Known(typing.NamedTuple):
    """An image to complete, and a mask of its known pixels.

    `image` holds levels, int32 (height, width, channels); `mask` is True where they are
    known, bool (height, width).
    """

    image: np.ndarray
    mask: np.ndarray


def read_known(
    image_path: str | os.PathLike[str],
    mask_path: str | os.PathLike[str],
    image_shape: Sequence[int],
    num_levels: int,
) -> Known:
    """Reads an image to complete, and the mask of its known pixels, from two pictures.

    Args:
        image_path: the picture. A value becomes the nearest level, which undoes what
            `save_image_grid` does; transparent pixels are laid over white.
        mask_path: a picture that is white where the image is known, and black or
            transparent where it is not; see `read_mask`.
        image_shape: (height, width, channels) of the model's images.
        num_levels: how many values a pixel can take.

    Raises:
        OSError: when a file is not there.
        ValueError: when a file holds no picture, or one of another size than the
            model's images, when pictures cannot hold those, or when the mask is not
            black and white.
    """
    *size, channels = image_shape
    if channels not in (1, 3):
        raise ValueError(
            "Only images of 1 or 3 channels can be completed from a picture: PNG and "
            f"its kin hold no others. Received: a model of {channels} channels"
        )
    color_mode = "grayscale" if channels == 1 else "rgb"
    bits = 8 if num_levels <= 256 else 16
    pixels = _read_of_size(
        image_path, size, read_image, color_mode=color_mode, bits=bits
    )
    mask = _read_of_size(mask_path, size, read_mask)
    return Known(to_levels(pixels, num_levels, bits), mask)


def _read_of_size(
    path: str | os.PathLike[str],
    size: Sequence[int],
    read: Callable[..., np.ndarray],
    **options: typing.Any,
) -> np.ndarray:
    try:
        pixels = read(pathlib.Path(path), **options)
    except FileNotFoundError:
        raise
    except Exception as error:  # whatever the first damaged part raises
        raise ValueError(
            f"{path} must be a picture that can be used, such as a PNG file: {error}"
        ) from error
    if pixels.shape[:2] != tuple(size):
        raise ValueError(
            f"{path} must have the size of the model's images, {size[0]} x {size[1]} "
            "pixels (height x width). "
            f"Received: {pixels.shape[0]} x {pixels.shape[1]}"
        )
    return pixels
