"""Lossless compression of images by the probabilities of a model."""

from keras_pixelcnn.codecs.errors import (
    CodecError,
    DamagedStreamError,
    NumericsError,
    WrongModelError,
)
from keras_pixelcnn.codecs.pixelcnn_codec import PixelCNNCodec
from keras_pixelcnn.codecs.stream import Header, read_header

__all__ = [
    "CodecError",
    "DamagedStreamError",
    "Header",
    "NumericsError",
    "PixelCNNCodec",
    "WrongModelError",
    "read_header",
]
