"""General-purpose lossless codecs that Pillow can write."""

import importlib
import io
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

_MOST_LEVELS = 256
_CHANNELS = (1, 3)

_PNG = {"format": "PNG", "optimize": True}

# More effort makes some files smaller and others larger: the best of both counts.
_WEBP = (
    {"format": "WEBP", "lossless": True},
    {"format": "WEBP", "lossless": True, "quality": 100, "method": 6},
)
_JPEG_XL = (
    {"format": "JXL", "lossless": True},
    {"format": "JXL", "lossless": True, "effort": 10},
)


class Codec(NamedTuple):
    """A codec of image files.

    Attributes:
        name: as tables have it.
        files: an image's files in each of the ways that suit it, the image given as
            `uint8` `(height, width, channels)` with its number of levels.
        missing: what this Python lacks for the codec; None when nothing.
    """

    name: str
    files: Callable[[np.ndarray, int], Iterator[bytes]]
    missing: Callable[[], str | None]

    def reason_against(self, channels: int, num_levels: int) -> str | None:
        """Says why the codec does not take such images; None when it does.

        Args:
            channels: of an image.
            num_levels: how many values a pixel can take.
        """
        if channels not in _CHANNELS or num_levels > _MOST_LEVELS:
            return f"needs 1 or 3 channels and at most {_MOST_LEVELS} levels"
        return self.missing()


def _png_files(image: np.ndarray, num_levels: int) -> Iterator[bytes]:
    from PIL import Image

    yield _file(_picture(image), _PNG)
    if image.shape[-1] == 3:
        return
    if num_levels == 2:
        yield _file(Image.fromarray(image[..., 0].astype(bool)), _PNG)
    elif num_levels <= 16:
        # Pillow packs no grey in 2 or 4 bits, but a palette, here of greys.
        packed = _picture(image)
        packed.putpalette(np.repeat(np.arange(num_levels, dtype=np.uint8), 3).tobytes())
        yield _file(packed, _PNG | {"bits": 2 if num_levels <= 4 else 4})


def _webp_files(image: np.ndarray, num_levels: int) -> Iterator[bytes]:
    # WebP has no grey: Pillow writes three equal channels, which cost next to nothing.
    return (_file(_picture(image), options) for options in _WEBP)


def _jpeg_xl_files(image: np.ndarray, num_levels: int) -> Iterator[bytes]:
    importlib.import_module("pillow_jxl")  # which teaches Pillow the format
    return (_file(_picture(image), options) for options in _JPEG_XL)


def _picture(image: np.ndarray) -> Any:
    from PIL import Image

    return Image.fromarray(image if image.shape[-1] == 3 else image[..., 0])


def _file(picture: Any, options: dict[str, Any]) -> bytes:
    with io.BytesIO() as file:
        picture.save(file, **options)
        return file.getvalue()


def _webp_missing() -> str | None:
    from PIL import features

    return None if features.check("webp") else "needs a Pillow built with WebP"


def _jpeg_xl_missing() -> str | None:
    try:
        importlib.import_module("pillow_jxl")
    except ImportError:
        return "needs Pillow's plugin pillow_jxl (pip install pillow-jxl-plugin)"
    return None


PNG = Codec("PNG", _png_files, lambda: None)
WEBP = Codec("WebP lossless", _webp_files, _webp_missing)
JPEG_XL = Codec("JPEG XL", _jpeg_xl_files, _jpeg_xl_missing)
