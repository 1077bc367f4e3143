"""Models as TensorFlow Probability distributions."""

from keras_pixelcnn.distributions.pixelcnn_distribution import PixelCNNDistribution

__all__ = ["PixelCNNDistribution"]
