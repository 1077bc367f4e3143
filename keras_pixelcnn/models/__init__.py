"""Image models with exact likelihoods."""

from keras_pixelcnn.models.autoregressive import AutoregressiveImageModel
from keras_pixelcnn.models.gated_pixelcnn import GatedPixelCNN
from keras_pixelcnn.models.loading import load_model
from keras_pixelcnn.models.pixel_rnn import PixelRNN
from keras_pixelcnn.models.pixelcnn import PixelCNN
from keras_pixelcnn.models.pixelcnn_plus_plus import PixelCNNPlusPlus

__all__ = [
    "AutoregressiveImageModel",
    "GatedPixelCNN",
    "PixelCNN",
    "PixelCNNPlusPlus",
    "PixelRNN",
    "load_model",
]
