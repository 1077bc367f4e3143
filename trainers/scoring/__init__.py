"""Likelihoods and accuracies of trained models."""
