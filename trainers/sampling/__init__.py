"""Samples, completions, interpolations, and the pictures of them."""
