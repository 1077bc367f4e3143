"""SavedModels for TF Serving and for programs without Python."""

from keras_pixelcnn.export.saved_model import export_saved_model

__all__ = ["export_saved_model"]
