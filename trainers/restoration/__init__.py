"""Measures of models that restore degraded images."""
