"""Exact-likelihood image models in Keras.

Gated PixelCNN, from "Conditional Image Generation with PixelCNN Decoders" (van den Oord
et al. 2016, arXiv 1606.05328): train with `fit`, score with `log_prob`, draw with
`sample`, serve with `export`.
"""

import importlib
import os
from typing import Any

if (os.environ.get("KERAS_BACKEND") or "tensorflow") != "tensorflow":
    raise ImportError(  # before Keras looks for the other
        "keras_pixelcnn needs Keras on TensorFlow: set KERAS_BACKEND=tensorflow, or "
        f"unset it. Received: KERAS_BACKEND={os.environ['KERAS_BACKEND']}"
    )

import keras

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        'keras_pixelcnn needs Keras on TensorFlow: set "backend": "tensorflow" in '
        f"~/.keras/keras.json. Received: {keras.backend.backend()}"
    )

from keras_pixelcnn import layers, likelihoods
from keras_pixelcnn.metrics import BitsPerDim, bits_per_dim
from keras_pixelcnn.models import (
    AutoregressiveImageModel,
    FaceEmbedder,
    GatedPixelCNN,
    MSEAutoencoder,
    PixelCNN,
    PixelCNNAutoencoder,
    PixelCNNPlusPlus,
    PixelRNN,
    PyramidPixelCNN,
    load_model,
)
from keras_pixelcnn.pretrained import from_preset, presets
from keras_pixelcnn.receptive_field import dependencies, plot_receptive_field
from keras_pixelcnn.samplers import example_seeds, example_uniforms
from keras_pixelcnn.schedules import WarmupThenDecay

__version__ = "0.1.0"

_LOADED_WHEN_USED = (
    "anomaly",
    "baselines",
    "callbacks",
    "codecs",
    "datasets",
    "distributions",
    "evaluation",
    "training",
)
"""Modules whose imports are slow, or which not everyone needs."""

__all__ = [
    "AutoregressiveImageModel",
    "BitsPerDim",
    "FaceEmbedder",
    "GatedPixelCNN",
    "MSEAutoencoder",
    "PixelCNN",
    "PixelCNNAutoencoder",
    "PixelCNNPlusPlus",
    "PixelRNN",
    "PyramidPixelCNN",
    "WarmupThenDecay",
    "__version__",
    "anomaly",
    "baselines",
    "bits_per_dim",
    "callbacks",
    "codecs",
    "datasets",
    "dependencies",
    "distributions",
    "evaluation",
    "example_seeds",
    "example_uniforms",
    "from_preset",
    "layers",
    "likelihoods",
    "load_model",
    "plot_receptive_field",
    "presets",
    "training",
]


def __getattr__(name: str) -> Any:
    if name in _LOADED_WHEN_USED:
        return importlib.import_module(f"keras_pixelcnn.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
