"""Verbs, conditions, checks and sampling that the models share."""
