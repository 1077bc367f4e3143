"""From a finished run to a preset."""
