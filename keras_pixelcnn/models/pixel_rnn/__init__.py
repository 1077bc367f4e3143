"""PixelRNN."""
