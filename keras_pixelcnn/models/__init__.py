"""Image models with exact likelihoods."""

from keras_pixelcnn.models.autoencoder import PixelCNNAutoencoder
from keras_pixelcnn.models.autoregressive import AutoregressiveImageModel
from keras_pixelcnn.models.gated_pixelcnn import GatedPixelCNN
from keras_pixelcnn.models.loading import load_model
from keras_pixelcnn.models.mse_autoencoder import MSEAutoencoder
from keras_pixelcnn.models.pixel_rnn import PixelRNN
from keras_pixelcnn.models.pixelcnn import PixelCNN
from keras_pixelcnn.models.pixelcnn_plus_plus import PixelCNNPlusPlus
from keras_pixelcnn.models.portrait import FaceEmbedder
from keras_pixelcnn.models.served_model import ServedModel
from keras_pixelcnn.models.triplet_loss import semi_hard_triplet_loss

__all__ = [
    "AutoregressiveImageModel",
    "FaceEmbedder",
    "GatedPixelCNN",
    "MSEAutoencoder",
    "PixelCNN",
    "PixelCNNAutoencoder",
    "PixelCNNPlusPlus",
    "PixelRNN",
    "ServedModel",
    "load_model",
    "semi_hard_triplet_loss",
]
