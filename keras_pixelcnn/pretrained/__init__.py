"""Trained models that come with the package, a folder each."""

from keras_pixelcnn.pretrained.preset import (
    Preset,
    find_preset,
    from_preset,
    load_model_or_preset,
    presets,
)

__all__ = ["Preset", "find_preset", "from_preset", "load_model_or_preset", "presets"]
