"""What runs of training share."""
