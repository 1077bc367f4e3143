"""Pictures of digits that need no download: they stand in for MNIST.

MNIST's digits fill 20 of 28 pixels, white on black. So do these.
"""

import os

import numpy as np
import tensorflow as tf

_SHARE = 20 / 28


def enlarged_digits(image_shape: tuple[int, int, int], num_levels: int) -> np.ndarray:
    """Enlarges the 1,797 handwritten digits of scikit-learn from 8x8 (bicubic).

    Args:
        image_shape: (height, width, channels) of the pictures; all channels are alike.
        num_levels: values are integers in [0, num_levels).

    Returns:
        int32 (1797, height, width, channels).
    """
    from sklearn.datasets import load_digits

    height, width, channels = image_shape
    digits = load_digits().images[..., np.newaxis] / 16
    size = max(round(_SHARE * min(height, width)), 1)
    scaled = tf.image.resize(digits, (size, size), "bicubic").numpy()
    levels = np.clip(np.round(scaled * (num_levels - 1)), 0, num_levels - 1)
    top, left = (height - size) // 2, (width - size) // 2
    pictures = np.zeros((len(digits), height, width, channels), np.int32)
    pictures[:, top : top + size, left : left + size] = levels
    return pictures


def font_digits(
    folder: str | os.PathLike[str], image_shape: tuple[int, int, int], num_levels: int
) -> np.ndarray:
    """Renders the digits 0 to 9 of all usable fonts of a folder.

    Args:
        folder: searched with all folders in it for .ttf and .otf files.
        image_shape: (height, width, channels) of the pictures; all channels are alike.
        num_levels: values are integers in [0, num_levels).

    Returns:
        int32 (10 * fonts, height, width, channels).

    Raises:
        FileNotFoundError: if there is no such folder, or no font in it.
        DamagedImageError: if no font is usable.
    """
    from keras_pixelcnn.datasets import glyphs
    from keras_pixelcnn.datasets.glyph_rendering import LETTERS

    fonts = glyphs.load_fonts(folder, image_shape[:2])
    first = LETTERS.index("0")
    pictures = np.concatenate([font.letters[first:] for font in fonts])
    levels = pictures.astype(np.int32) * num_levels // glyphs.NUM_LEVELS
    return np.repeat(levels[..., np.newaxis], image_shape[-1], axis=-1)
