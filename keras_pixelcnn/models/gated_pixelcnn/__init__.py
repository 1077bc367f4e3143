"""Gated PixelCNN."""
