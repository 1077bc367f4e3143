"""Training that goes on where it was, whatever ended it."""

from keras_pixelcnn.training.checkpoint_store import Checkpoint, CheckpointStore

__all__ = ["Checkpoint", "CheckpointStore"]
