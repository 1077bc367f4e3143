"""Images as files, and all that is around the codec in its programs."""
