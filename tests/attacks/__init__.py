"""Attacks that take minutes: scripts, each with its figures at the end."""
