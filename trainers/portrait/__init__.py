"""The parts of `trainers.portraits`."""
