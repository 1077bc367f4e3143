"""Presets of finished runs."""
