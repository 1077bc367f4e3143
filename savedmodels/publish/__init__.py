"""From a model to a version that TensorFlow Serving loads."""
