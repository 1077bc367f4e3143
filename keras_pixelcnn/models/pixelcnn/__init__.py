"""PixelCNN."""
