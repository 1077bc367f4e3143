"""Training and measures of a VQ-VAE and of a prior over its codes."""
