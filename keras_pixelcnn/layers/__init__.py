"""Causal layers, each with the step-by-step face that sampling drives."""

from keras_pixelcnn.layers.conditioning import ConditionEncoder, GateConditioning
from keras_pixelcnn.layers.gated_activation import GatedActivation
from keras_pixelcnn.layers.gated_block import GatedPixelCNNBlock
from keras_pixelcnn.layers.masked_conv2d import MaskedConv2D
from keras_pixelcnn.layers.spatial_upsampling import SpatialUpsampling
from keras_pixelcnn.layers.stack_conv2d import (
    HorizontalStackConv2D,
    VerticalStackConv2D,
)

__all__ = [
    "ConditionEncoder",
    "GateConditioning",
    "GatedActivation",
    "GatedPixelCNNBlock",
    "HorizontalStackConv2D",
    "MaskedConv2D",
    "SpatialUpsampling",
    "VerticalStackConv2D",
]
