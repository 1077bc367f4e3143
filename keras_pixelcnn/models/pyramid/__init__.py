"""PyramidPixelCNN."""
