"""Baselines in bits per dimension, to compare a trained model with."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_pixelcnn import lossless_files
from keras_pixelcnn.checks import check_images, check_num_levels
from keras_pixelcnn.dequantised_gaussian import DequantisedGaussian

# Values that a loop holds at once, beside the images: 32 MB of int64.
_BLOCK_VALUES = 4_000_000

# The share of every correlation that may be taken away, none to all.
_SHRINKAGES = np.array([0, 1e-5, 1e-4, 1e-3, 0.003, 0.01, 0.03, 0.1, 0.3, 1])

# One training image in so many is held out to choose among them.
_HOLD_OUT_EVERY = 10

# Above this, 64x64x1, a table waits too long for the eigenvectors.
_MOST_GAUSSIAN_DIMENSIONS = 4096

_GAUSSIAN = "multivariate Gaussian"
_CODECS = (lossless_files.PNG, lossless_files.WEBP, lossless_files.JPEG_XL)

BASELINES = (
    "uniform",
    "independent pixels",
    _GAUSSIAN,
    *(codec.name for codec in _CODECS),
)
"""The rows of `baseline_table`, in its order."""


def uniform_bits_per_dim(num_levels: int) -> float:
    """Scores the model that holds all values to be equally likely.

    Args:
        num_levels: how many values a pixel can take.

    Returns:
        `log2(num_levels)`, in bits per dimension.

    Raises:
        ValueError: if `num_levels` is not an integer of at least 2.
    """
    return math.log2(check_num_levels(num_levels))


def independent_pixel_bits_per_dim(
    train_images: Any, test_images: Any, num_levels: int
) -> float:
    """Scores one histogram for each row, column and channel, all independent.

    One is added to every count (Laplace's rule), so that a value never seen in
    training has a small probability and not zero.

    Args:
        train_images: integers in `[0, num_levels)` of shape
            `(batch, height, width, channels)`.
        test_images: the same, of the same height, width and channels.
        num_levels: how many values a pixel can take.

    Returns:
        The mean over the test images, in bits per dimension.

    Raises:
        ValueError: if the images are not as above, or there are none.
    """
    train, test = _check_pair(train_images, test_images, num_levels)
    width = max(1, _BLOCK_VALUES // max(len(train), len(test), num_levels))
    bits = 0.0
    for start in range(0, train.shape[1], width):
        block = slice(start, start + width)
        counts = _level_counts(train[:, block], num_levels)
        probabilities = (counts + 1) / (len(train) + num_levels)
        bits -= np.sum(
            _level_counts(test[:, block], num_levels) * np.log2(probabilities)
        )
    return float(bits / test.size)


def gaussian_bits_per_dim(
    train_images: Any, test_images: Any, num_levels: int, seed: int = 0
) -> float:
    """Scores one Gaussian over all pixels of an image, with full covariance.

    A density is compared with a model of integers by adding noise, uniform over
    `[0, 1)`, to the test images: the mean of `-log2 density` is then an upper bound
    on what the Gaussian, integrated over the unit cube of each image, would score.

    In fitting, the noise is integrated out: it adds 1/2 to the mean and 1/12 to each
    pixel's variance, so a pixel that never changes does no harm. The correlations
    between pixels are shrunk towards zero by the share that scores best on every
    tenth training image when fitted on the others; this makes few images enough, and
    is next to no shrinkage for many.

    Time grows with the cube of the dimensions: seconds for 32x32x3.

    Args:
        train_images: as for `independent_pixel_bits_per_dim`.
        test_images: the same.
        num_levels: how many values a pixel can take.
        seed: draws the noise. Defaults to `0`.

    Returns:
        The mean over the test images, in bits per dimension.

    Raises:
        ValueError: if the images are not as above, or there are none.

    References:
        Theis, van den Oord and Bethge, A note on the evaluation of generative
        models, 2015, arXiv 1511.01844, section 3.1.
    """
    train, test = _check_pair(train_images, test_images, num_levels)
    noise = np.random.default_rng(seed)
    shrinkage = _best_shrinkage(train, noise)
    scores = DequantisedGaussian.fit(train).bits_per_dim(
        test, noise, np.array([shrinkage])
    )
    return float(scores[0])


def png_bits_per_dim(images: Any, num_levels: int) -> float:
    """Scores the size of the images as PNG files, one file an image.

    Headers count, since they are stored: at least 57 bytes, which is 7 bits per
    dimension of an 8x8x1 image and less than 0.2 of a 32x32x3 one. The encoder is
    Pillow's with `optimize=True`. Grey images of up to 16 levels are also packed in
    1, 2 or 4 bits a pixel, and the smaller of the two files counts.

    Args:
        images: integers in `[0, num_levels)` of shape
            `(batch, height, width, channels)`, with 1 or 3 channels.
        num_levels: how many values a pixel can take, at most 256.

    Returns:
        The mean over the images, in bits per dimension.

    Raises:
        ValueError: if the images are not as above, there are none, or PNG does not
            know their number of channels or levels.
    """
    return _codec_bits_per_dim(lossless_files.PNG, images, num_levels)


def webp_bits_per_dim(images: Any, num_levels: int) -> float:
    """Scores the size of the images as lossless WebP files, one file an image.

    As for PNG, headers count (at least 20 bytes and a few bits), and values are stored
    as they are, not stretched to 256 levels. Each image is written with Pillow's own
    settings and with the most effort, and the smaller of the two files counts: about
    5 ms for 28x28x1, 15 ms for 32x32x3.

    Args:
        images: as for `png_bits_per_dim`.
        num_levels: how many values a pixel can take, at most 256.

    Returns:
        The mean over the images, in bits per dimension.

    Raises:
        ValueError: as `png_bits_per_dim` does.
        ImportError: if Pillow was built without WebP.
    """
    return _codec_bits_per_dim(lossless_files.WEBP, images, num_levels)


def jpeg_xl_bits_per_dim(images: Any, num_levels: int) -> float:
    """Scores the size of the images as lossless JPEG XL files, one file an image.

    As for PNG, headers count (about 10 bytes: the bare codestream), and values are
    stored as they are. Each image is written with the plugin's own effort and with the
    most, and the smaller of the two files counts: about 8 ms for 28x28x1.

    Args:
        images: as for `png_bits_per_dim`.
        num_levels: how many values a pixel can take, at most 256.

    Returns:
        The mean over the images, in bits per dimension.

    Raises:
        ValueError: as `png_bits_per_dim` does.
        ImportError: if Pillow's plugin `pillow_jxl` is not installed.
    """
    return _codec_bits_per_dim(lossless_files.JPEG_XL, images, num_levels)


def baseline_table(
    train_images: Any, test_images: Any, num_levels: int, seed: int = 0
) -> dict[str, float]:
    """Scores all baselines on the same images.

    Args:
        train_images: as for `independent_pixel_bits_per_dim`.
        test_images: the same.
        num_levels: how many values a pixel can take.
        seed: draws the noise of the Gaussian. Defaults to `0`.

    Returns:
        Bits per dimension of the test images under `"uniform"`,
        `"independent pixels"`, `"multivariate Gaussian"`, `"PNG"`, `"WebP lossless"`
        and `"JPEG XL"`, in this order, without those that `left_out` tells of.

    Raises:
        ValueError: if the images are not as above, or there are none.

    Example:
        >>> images = np.random.default_rng(0).integers(0, 17, (1000, 8, 8, 1))
        >>> table = baseline_table(images[:900], images[900:], num_levels=17)
    """
    train = _check_some(train_images, num_levels, "train_images")
    test = _check_some(test_images, num_levels, "test_images", train.shape[1:])
    missing = left_out(train.shape[1:], num_levels)
    table = {
        "uniform": uniform_bits_per_dim(num_levels),
        "independent pixels": independent_pixel_bits_per_dim(train, test, num_levels),
    }
    if _GAUSSIAN not in missing:
        table[_GAUSSIAN] = gaussian_bits_per_dim(train, test, num_levels, seed)
    for codec in _CODECS:
        if codec.name not in missing:
            table[codec.name] = _codec_bits_per_dim(codec, test, num_levels)
    return table


def left_out(image_shape: Sequence[int], num_levels: int) -> dict[str, str]:
    """Tells which baselines `baseline_table` leaves out for such images, and why.

    Args:
        image_shape: `(height, width, channels)`.
        num_levels: how many values a pixel can take.

    Returns:
        A reason for each name: the Gaussian above 4,096 dimensions, where it is slow;
        the codecs for other than 1 or 3 channels and for more than 256 levels, and
        where Pillow lacks what writes them.
    """
    reasons = {}
    if math.prod(image_shape) > _MOST_GAUSSIAN_DIMENSIONS:
        most = f"{_MOST_GAUSSIAN_DIMENSIONS:,}"
        reasons[_GAUSSIAN] = f"images have more than {most} dimensions"
    for codec in _CODECS:
        reason = codec.reason_against(image_shape[-1], num_levels)
        if reason is not None:
            reasons[codec.name] = reason
    return reasons


def _best_shrinkage(rows: np.ndarray, noise: np.random.Generator) -> float:
    held_out = np.arange(len(rows)) % _HOLD_OUT_EVERY == 0
    if held_out.all():  # a single image, whose covariance has nothing to shrink
        return 1.0
    gaussian = DequantisedGaussian.fit(rows[~held_out])
    scores = gaussian.bits_per_dim(rows[held_out], noise, _SHRINKAGES)
    return float(_SHRINKAGES[np.argmin(scores)])


def _level_counts(rows: np.ndarray, num_levels: int) -> np.ndarray:
    """Counts each column's values; the result has one row of counts a column."""
    columns = rows.shape[1]
    cells = rows.astype(np.intp) + num_levels * np.arange(columns)
    counts = np.bincount(cells.ravel(), minlength=columns * num_levels)
    return counts.reshape(columns, num_levels)


def _codec_bits_per_dim(
    codec: lossless_files.Codec, images: Any, num_levels: int
) -> float:
    """Scores the size of a codec's smallest files of the images."""
    images = _check_some(images, num_levels, "images")
    reason = codec.reason_against(images.shape[-1], num_levels)
    if reason is not None:
        kind = ImportError if codec.missing() == reason else ValueError
        raise kind(
            f"{codec.name} {reason}. Received: {images.shape[-1]} channels and "
            f"{num_levels} levels. Leave {codec.name} out."
        )
    files = (codec.files(image.astype(np.uint8), num_levels) for image in images)
    return 8 * sum(min(map(len, choices)) for choices in files) / images.size


def _check_some(
    images: Any,
    num_levels: int,
    name: str,
    image_shape: tuple[int, ...] | None = None,
) -> np.ndarray:
    images = check_images(images, num_levels, name, image_shape)
    if not len(images):
        raise ValueError(f"`{name}` must hold at least one image. Received none.")
    return images


def _check_pair(
    train_images: Any, test_images: Any, num_levels: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns both sets as one row of values an image."""
    train = _check_some(train_images, num_levels, "train_images")
    test = _check_some(test_images, num_levels, "test_images", train.shape[1:])
    return train.reshape(len(train), -1), test.reshape(len(test), -1)
