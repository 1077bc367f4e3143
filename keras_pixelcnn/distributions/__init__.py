"""Models and their pixels as TensorFlow Probability distributions."""

from keras_pixelcnn.distributions.discretized_logistic_mixture import (
    DiscretizedLogisticMixture,
)
from keras_pixelcnn.distributions.pixelcnn_distribution import PixelCNNDistribution

__all__ = ["DiscretizedLogisticMixture", "PixelCNNDistribution"]
