"""The embedder of portraits."""
