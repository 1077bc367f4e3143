"""Changed images: mutated for a background model, or with faults to be found."""

from typing import Any, NamedTuple

import numpy as np

from keras_pixelcnn.checks import check_images, check_number, is_integer


class Defects(NamedTuple):
    """Images with faults, and where these are.

    Attributes:
        images: of the shape and type of the images without.
        mask: bool (batch, height, width), True where a fault was painted.
    """

    images: np.ndarray
    mask: np.ndarray


def paint_defects(
    images: Any, num_levels: int, size: int = 3, seed: int = 0
) -> Defects:
    """Paints a square fault into each image, on what it shows.

    A fault is at a random place whose middle is not 0, the background, and its value is
    inverted there: a hole in bright cloth, a stain on dark one. Values in the middle of
    the range move by half of it instead.

    Args:
        images: integers in [0, num_levels), (batch, height, width, channels), none of
            which is 0 everywhere.
        num_levels: how many values a pixel can take.
        size: height and width of a fault, odd. Default 3.
        seed: an integer of at least 0, of a Philox generator. Default 0.

    Returns:
        The images with a fault each, and the masks of these.

    Raises:
        ValueError: when an argument is not as said.
    """
    images = check_images(images, num_levels, "images")
    if not is_integer(size, 1) or not size % 2 or size > min(images.shape[1:3]):
        raise ValueError(
            "size must be an odd integer no larger than the images. "
            f"Received: size={size!r} for images of shape {images.shape[1:]}"
        )
    height, width = images.shape[1:3]
    generator = np.random.Generator(np.random.Philox(seed))
    mask = np.zeros(images.shape[:3], bool)
    half = size // 2
    for i, number in enumerate(generator.random(len(images))):
        inner = images[i, half : height - half, half : width - half].any(axis=-1)
        places = np.argwhere(inner)
        if not len(places):
            raise ValueError(f"images must show something. Received: image {i} is 0")
        row, column = places[int(number * len(places))]
        mask[i, row : row + size, column : column + size] = True
    values = images.astype(np.int64)
    inverted = num_levels - 1 - values
    near = np.abs(inverted - values) < num_levels / 4
    shifted = (values + num_levels // 2) % num_levels
    painted = np.where(near, shifted, inverted)
    faulty = np.where(mask[..., np.newaxis], painted, values).astype(images.dtype)
    return Defects(faulty, mask)


def mutate(
    images: Any, rate: float, num_levels: int, seed: int | np.random.Generator = 0
) -> np.ndarray:
    """Replaces some values of images by others, drawn uniformly from all levels.

    Each value is replaced with probability `rate`, on its own: what the pixels of an
    image say together is lost sooner than how each of them is distributed. A model
    trained on such images knows the background; see `likelihood_ratio`.

    Args:
        images: integers in [0, num_levels), (batch, height, width, channels).
        rate: share of the values that are drawn anew, in [0, 1). Some draw the value
            that was there. The source takes 0.1 to 0.3.
        num_levels: how many values a pixel can take.
        seed: an integer of at least 0, of a Philox generator: image i then depends on
            the seed and i alone; or a generator. Default 0.

    Returns:
        Images of the same shape and type.

    Raises:
        ValueError: when an argument is not as said.

    Example:
        >>> mutated = mutate(images, rate=0.1, num_levels=256)

    References:
        Ren et al. 2019, Likelihood Ratios for Out-of-Distribution Detection, arXiv
        1906.02845, section 3.
    """
    images = check_images(images, num_levels, "images")
    rule = "a number in [0, 1)"
    check_number("rate", rate, rule, lambda share: 0 <= share < 1)
    if not isinstance(seed, np.random.Generator):
        seed = np.random.Generator(np.random.Philox(seed))
    if not rate:
        return images.copy()
    # One number a value: where it is below the rate, what is left of it is uniform.
    uniforms = seed.random(images.shape) / rate
    mutated = np.minimum(np.floor(uniforms * num_levels), num_levels - 1)
    return np.where(uniforms < 1, mutated, images).astype(images.dtype)
