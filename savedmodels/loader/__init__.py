"""A C program that runs an export without Python."""
