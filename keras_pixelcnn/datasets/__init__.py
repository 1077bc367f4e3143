"""Image datasets as `tf.data.Dataset`.

They come from the embedded digits, tfds datasets, folders of images, the IDX files of
the MNIST family, patches of photos, the letters of fonts, packages of emoji, and
captions that are drawn.
"""

from keras_pixelcnn.datasets.errors import DamagedImageError, DatasetUnavailableError
from keras_pixelcnn.datasets.load import label_names, load, native_num_levels

__all__ = [
    "DamagedImageError",
    "DatasetUnavailableError",
    "label_names",
    "load",
    "native_num_levels",
]
