"""Ways to draw images from a model that is run step by step, or by whole passes."""

from keras_pixelcnn.samplers.ancestral import ancestral_scan
from keras_pixelcnn.samplers.batch_slices import BatchSlices, most_slices
from keras_pixelcnn.samplers.channel_steps import ChannelSteps
from keras_pixelcnn.samplers.incremental import RowDraw, ScanSteps, raster_scan
from keras_pixelcnn.samplers.known_pixels import KnownPixels
from keras_pixelcnn.samplers.noise import (
    example_normals,
    example_seeds,
    example_uniforms,
    normals_of_bits,
)

__all__ = [
    "BatchSlices",
    "ChannelSteps",
    "KnownPixels",
    "RowDraw",
    "ScanSteps",
    "ancestral_scan",
    "example_normals",
    "example_seeds",
    "example_uniforms",
    "most_slices",
    "normals_of_bits",
    "raster_scan",
]
