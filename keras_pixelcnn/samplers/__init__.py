"""Ways to draw images from a model that is run step by step, or by whole passes."""

from keras_pixelcnn.samplers.ancestral import ancestral_scan
from keras_pixelcnn.samplers.batch_slices import (
    MOST_SLICES,
    BatchSlices,
    most_slices,
    most_slices_in_graphs,
)
from keras_pixelcnn.samplers.channel_steps import ChannelSteps
from keras_pixelcnn.samplers.fixed_point import FixedPoint, fixed_point_scan
from keras_pixelcnn.samplers.incremental import (
    Draw,
    RowDraw,
    ScanSteps,
    raster_scan,
)
from keras_pixelcnn.samplers.known_pixels import KnownPixels
from keras_pixelcnn.samplers.noise import (
    example_normals,
    example_seeds,
    example_uniforms,
    normals_of_bits,
)

__all__ = [
    "MOST_SLICES",
    "BatchSlices",
    "ChannelSteps",
    "Draw",
    "FixedPoint",
    "KnownPixels",
    "RowDraw",
    "ScanSteps",
    "ancestral_scan",
    "example_normals",
    "example_seeds",
    "example_uniforms",
    "fixed_point_scan",
    "most_slices",
    "most_slices_in_graphs",
    "normals_of_bits",
    "raster_scan",
]
