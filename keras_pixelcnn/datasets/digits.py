"""The handwritten digits that scikit-learn carries: no download."""

import numpy as np
import tensorflow as tf

from keras_pixelcnn.datasets import splits
from keras_pixelcnn.datasets.image_format import ImageFormat

NUM_LEVELS = 17


def read(split: str, image_format: ImageFormat) -> tf.data.Dataset:
    """Reads one split of the 1,797 images of 8x8 pixels, 0 to 16.

    Args:
        split: "train", "validation", "test" or "all".
        image_format: what the images shall look like.

    Returns:
        Single examples: {"image": (h, w, c), "label": int64 in [0, 10)}.

    Raises:
        ValueError: if `split` is another name, or asks for too many levels.
    """
    from sklearn.datasets import load_digits

    image_format.check_levels(NUM_LEVELS)
    images, labels = load_digits(return_X_y=True)
    chosen = splits.choose(split, len(images))
    return image_format.examples(
        images[chosen].reshape(-1, 8, 8, 1).astype(np.uint8),
        labels[chosen].astype(np.int64),
        NUM_LEVELS,
    )
