"""Programs around exported models: write one, and run one without Python."""
