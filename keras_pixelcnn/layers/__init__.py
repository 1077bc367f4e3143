"""Causal layers, each with the steps by which sampling runs it."""

from keras_pixelcnn.layers.caption_encoder import CaptionEncoder
from keras_pixelcnn.layers.conditioning import ConditionEncoder, GateConditioning
from keras_pixelcnn.layers.deconvolutional_decoder import DeconvolutionalDecoder
from keras_pixelcnn.layers.diagonal_bilstm import DiagonalBiLSTM
from keras_pixelcnn.layers.gated_block import GatedActivation, GatedPixelCNNBlock
from keras_pixelcnn.layers.gated_residual_block import GatedResidualBlock
from keras_pixelcnn.layers.image_encoder import ImageEncoder
from keras_pixelcnn.layers.input_encoding import ChannelEmbedding, IntensityEncoding
from keras_pixelcnn.layers.masked_conv2d import MaskedConv2D
from keras_pixelcnn.layers.pixel_rnn_block import PixelRNNBlock
from keras_pixelcnn.layers.pixelcnn_block import PixelCNNBlock
from keras_pixelcnn.layers.row_lstm import RowLSTM
from keras_pixelcnn.layers.shifted_conv2d import ShiftedConv2D
from keras_pixelcnn.layers.shifted_conv2d_transpose import ShiftedConv2DTranspose
from keras_pixelcnn.layers.spatial_upsampling import SpatialUpsampling
from keras_pixelcnn.layers.stack_conv2d import (
    HorizontalStackConv2D,
    VerticalStackConv2D,
)

__all__ = [
    "CaptionEncoder",
    "ChannelEmbedding",
    "ConditionEncoder",
    "DeconvolutionalDecoder",
    "DiagonalBiLSTM",
    "GateConditioning",
    "GatedActivation",
    "GatedPixelCNNBlock",
    "GatedResidualBlock",
    "HorizontalStackConv2D",
    "ImageEncoder",
    "IntensityEncoding",
    "MaskedConv2D",
    "PixelCNNBlock",
    "PixelRNNBlock",
    "RowLSTM",
    "ShiftedConv2D",
    "ShiftedConv2DTranspose",
    "SpatialUpsampling",
    "VerticalStackConv2D",
]
