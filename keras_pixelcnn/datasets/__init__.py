"""Images as `tf.data.Dataset`: embedded digits, tfds datasets, folders of images."""

from keras_pixelcnn.datasets.errors import DamagedImageError, DatasetUnavailableError
from keras_pixelcnn.datasets.load import load, native_num_levels

__all__ = [
    "DamagedImageError",
    "DatasetUnavailableError",
    "load",
    "native_num_levels",
]
