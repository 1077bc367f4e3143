"""A comparison of several models under one budget."""
