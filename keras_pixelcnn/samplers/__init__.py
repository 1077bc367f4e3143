"""Samplers, which run a model step by step or by whole passes."""

from keras_pixelcnn.samplers.ancestral import ScanPass, ancestral_scan, raster_pass
from keras_pixelcnn.samplers.batch_slices import (
    MOST_SLICES,
    BatchSlices,
    at_least_one,
    most_slices,
    most_slices_in_graphs,
    num_processors,
)
from keras_pixelcnn.samplers.fixed_point import FixedPoint, fixed_point_scan
from keras_pixelcnn.samplers.incremental import (
    ChannelSteps,
    Draw,
    KnownPixels,
    RowDraw,
    ScanSteps,
    by_channel,
    for_xla,
    is_for_xla,
    raster_scan,
)
from keras_pixelcnn.samplers.noise import (
    example_normals,
    example_seeds,
    example_uniforms,
    normals_of_bits,
    random_call_seed,
)

__all__ = [
    "MOST_SLICES",
    "BatchSlices",
    "ChannelSteps",
    "Draw",
    "FixedPoint",
    "KnownPixels",
    "RowDraw",
    "ScanPass",
    "ScanSteps",
    "ancestral_scan",
    "at_least_one",
    "by_channel",
    "example_normals",
    "example_seeds",
    "example_uniforms",
    "fixed_point_scan",
    "for_xla",
    "is_for_xla",
    "most_slices",
    "most_slices_in_graphs",
    "normals_of_bits",
    "num_processors",
    "random_call_seed",
    "raster_pass",
    "raster_scan",
]
