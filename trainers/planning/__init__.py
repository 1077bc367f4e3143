"""Memory, arithmetic, hours and devices of a run, before it is trained."""
