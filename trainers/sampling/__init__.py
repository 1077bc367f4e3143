"""Images out of trained models."""
