"""Maps that show where an image surprises a model."""

from typing import Any

import numpy as np

from keras_pixelcnn.checks import is_integer


def surprise_map(log_prob: Any, size: int = 3) -> np.ndarray:
    """Averages the surprise, -log p, over a square around each pixel.

    A fault surprises at several pixels next to each other, texture at single ones.

    Args:
        log_prob: of the values, in nats, (batch, height, width, channels), as
            `model.log_prob(images, reduce=False)` gives them.
        size: height and width of the square, odd; 1 leaves every pixel by itself. Over
            the edge of the image the surprise counts as 0. Default 3.

    Returns:
        float64 (batch, height, width), in nats a pixel.

    Raises:
        ValueError: when an argument is not as said.
    """
    from scipy import ndimage

    log_prob = np.asarray(log_prob)
    if log_prob.ndim != 4 or np.isnan(log_prob).any():
        raise ValueError(
            "log_prob must be log probabilities in nats of shape (batch, height, "
            "width, channels), as model.log_prob(images, reduce=False) gives them. "
            f"Received shape: {log_prob.shape}"
        )
    if not is_integer(size, 1) or not size % 2:
        raise ValueError(f"size must be an odd integer. Received: {size!r}")
    surprise = -log_prob.astype(np.float64).sum(axis=-1)
    return ndimage.uniform_filter(surprise, (0, size, size), mode="constant")


def heat_map(surprise: Any, highest: float | None = None) -> np.ndarray:
    """Colours for a map: black where nothing surprises, then red, then light yellow.

    Args:
        surprise: (batch, height, width), as `surprise_map` gives it.
        highest: the surprise that is lightest. Default: that of the 99.9th percentile
            of all maps.

    Returns:
        uint8 (batch, height, width, 3).

    Raises:
        ValueError: when `highest` is not above 0.
    """
    import matplotlib

    surprise = np.asarray(surprise, np.float64)
    if highest is None:
        finite = surprise[np.isfinite(surprise)]
        highest = max(np.quantile(finite, 0.999), 1e-9) if finite.size else 1.0
    if not highest > 0:
        raise ValueError(f"highest must be above 0. Received: {highest!r}")
    shares = np.clip(surprise / highest, 0, 1)
    return matplotlib.colormaps["inferno"](shares, bytes=True)[..., :3]
