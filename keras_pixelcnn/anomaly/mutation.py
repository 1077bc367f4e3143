"""Mutation of the images that a background model is trained on."""

from typing import Any

import numpy as np

from keras_pixelcnn.checks import check_images, check_number


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
