"""Image models with exact likelihoods."""

from keras_pixelcnn.models.autoencoder.mse_autoencoder import MSEAutoencoder
from keras_pixelcnn.models.autoencoder.pixelcnn_autoencoder import PixelCNNAutoencoder
from keras_pixelcnn.models.base.autoregressive import AutoregressiveImageModel
from keras_pixelcnn.models.base.image_model import ImageModel
from keras_pixelcnn.models.base.likelihood_model import LikelihoodModel
from keras_pixelcnn.models.base.loading import load_model
from keras_pixelcnn.models.face_embedder.model import FaceEmbedder
from keras_pixelcnn.models.face_embedder.triplet_loss import semi_hard_triplet_loss
from keras_pixelcnn.models.gated_pixelcnn.model import GatedPixelCNN
from keras_pixelcnn.models.pixel_rnn.model import PixelRNN
from keras_pixelcnn.models.pixelcnn.model import PixelCNN
from keras_pixelcnn.models.pixelcnn_plus_plus.model import PixelCNNPlusPlus
from keras_pixelcnn.models.pyramid.model import PyramidPixelCNN

__all__ = [
    "AutoregressiveImageModel",
    "FaceEmbedder",
    "GatedPixelCNN",
    "ImageModel",
    "LikelihoodModel",
    "MSEAutoencoder",
    "PixelCNN",
    "PixelCNNAutoencoder",
    "PixelCNNPlusPlus",
    "PixelRNN",
    "PyramidPixelCNN",
    "load_model",
    "semi_hard_triplet_loss",
]
