"""Measures of sample quality, over features that the user chooses.

`extract` makes features of images with any function; `frechet_distance`,
`kernel_distance` and `precision_recall` compare samples with real images, each with a
bootstrapped error; `nearest_images` and `memorisation` tell whether a model learned its
training images by heart. `sample_quality` does all of it.
"""

from keras_pixelcnn.evaluation.distances import frechet_distance, kernel_distance
from keras_pixelcnn.evaluation.features import Estimate, extract
from keras_pixelcnn.evaluation.neighbours import (
    Memorisation,
    Nearest,
    PrecisionRecall,
    memorisation,
    nearest_images,
    precision_recall,
)
from keras_pixelcnn.evaluation.sample_quality import SampleQuality, sample_quality

__all__ = [
    "Estimate",
    "Memorisation",
    "Nearest",
    "PrecisionRecall",
    "SampleQuality",
    "extract",
    "frechet_distance",
    "kernel_distance",
    "memorisation",
    "nearest_images",
    "precision_recall",
    "sample_quality",
]
