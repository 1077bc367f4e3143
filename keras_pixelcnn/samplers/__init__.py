"""Ways to draw images from a model that is run step by step, or by whole passes."""

from keras_pixelcnn.samplers.ancestral import ancestral_scan
from keras_pixelcnn.samplers.incremental import ScanSteps, raster_scan
from keras_pixelcnn.samplers.known_pixels import KnownPixels
from keras_pixelcnn.samplers.noise import example_seeds, example_uniforms

__all__ = [
    "KnownPixels",
    "ScanSteps",
    "ancestral_scan",
    "example_seeds",
    "example_uniforms",
    "raster_scan",
]
