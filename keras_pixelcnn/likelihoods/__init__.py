"""Likelihoods: the distribution of a pixel, given the model's outputs for it.

There are three, a module each: `categorical`, `logistic_mixture` and
`two_sided_geometric`; the others help them.
"""

from keras_pixelcnn.likelihoods.categorical import Categorical
from keras_pixelcnn.likelihoods.logistic_mixture import LogisticMixture
from keras_pixelcnn.likelihoods.pixel_likelihood import (
    Identifier,
    PixelLikelihood,
    get,
)
from keras_pixelcnn.likelihoods.two_sided_geometric import TwoSidedGeometric

__all__ = [
    "Categorical",
    "Identifier",
    "LogisticMixture",
    "PixelLikelihood",
    "TwoSidedGeometric",
    "get",
]
