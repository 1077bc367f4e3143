"""Training and measures of an auto-encoder with a PixelCNN as its decoder."""
