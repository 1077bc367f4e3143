"""One image file, of whatever kind, to an array of 8 bits and 1 or 3 channels."""

import pathlib
import typing

import numpy as np

if typing.TYPE_CHECKING:
    from PIL import Image

SUFFIXES = tuple(
    ".avif .bmp .dib .gif .jfif .jp2 .jpe .jpeg .jpg .pbm .pgm .png .pnm .ppm .tga "
    ".tif .tiff .webp".split()
)
NUM_LEVELS = 256

_GRAY_MODES = ("1", "L", "LA", "La")


def read_image(
    path: pathlib.Path,
    color_mode: str | None = None,
    least_side: int | None = None,
) -> np.ndarray:
    """Reads the first picture of an image file, upright as its EXIF data says.

    16-bit greys lose their lower 8 bits, transparency is laid over white, palettes
    and other colour spaces become RGB.

    Args:
        path: the file.
        color_mode: "grayscale", "rgb" or None for 1 channel if the file is grey
            and 3 if it has colours or a palette.
        least_side: JPEG files may be decoded at a fraction of their size, much
            faster, as long as both sides stay at least this long. None decodes all.

    Returns:
        Values in [0, 256), uint8, shape (height, width, 1 or 3).

    Raises:
        Exception: of nearly any kind, if the file is damaged.
    """
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        if least_side is not None:
            image.draft(None, (least_side, least_side))
        upright = ImageOps.exif_transpose(image)
    opaque = _to_opaque(_to_eight_bits(upright))
    grayscale = color_mode == "grayscale" or (
        color_mode is None and opaque.mode in _GRAY_MODES
    )
    values = np.array(opaque.convert("L" if grayscale else "RGB"))
    return values.reshape(*values.shape[:2], -1)


def _to_eight_bits(image: "Image.Image") -> "Image.Image":
    from PIL import Image

    if image.mode == "F":
        raise ValueError("floating-point pixels have no fixed range")
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image)
    # Pillow opens some 16-bit files in its 32-bit mode "I".
    if values.min() < 0 or values.max() > 65535:
        raise ValueError("pixels exceed 16 bits")
    return Image.fromarray((values // 256).astype(np.uint8))


def _to_opaque(image: "Image.Image") -> "Image.Image":
    from PIL import Image

    if not image.has_transparency_data:
        return image
    layer = image.convert("RGBA")
    white = Image.new("RGBA", layer.size, "white")
    flat = Image.alpha_composite(white, layer)
    return flat.convert("L" if image.mode in _GRAY_MODES else "RGB")
