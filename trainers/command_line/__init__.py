"""Flags that programs share, and their errors in one line."""
