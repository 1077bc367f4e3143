"""Image models with exact likelihoods."""

from keras_pixelcnn.models.autoregressive import AutoregressiveImageModel
from keras_pixelcnn.models.gated_pixelcnn import GatedPixelCNN

__all__ = ["AutoregressiveImageModel", "GatedPixelCNN"]
