"""Image models with exact likelihoods."""

from keras_pixelcnn.models.autoregressive import AutoregressiveImageModel
from keras_pixelcnn.models.gated_pixelcnn import GatedPixelCNN
from keras_pixelcnn.models.loading import load_model

__all__ = ["AutoregressiveImageModel", "GatedPixelCNN", "load_model"]
