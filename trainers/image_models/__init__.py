"""Training and results of models that sample images from nothing, or from a label."""
