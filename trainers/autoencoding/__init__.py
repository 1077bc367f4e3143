"""Training an auto-encoder, its baseline, and what is measured of both."""
