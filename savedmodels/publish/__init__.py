"""Publishing of models as versions that TensorFlow Serving loads."""
