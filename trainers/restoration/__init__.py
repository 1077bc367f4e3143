"""What models restore that are given degraded images."""
