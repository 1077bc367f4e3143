"""A small VQ-VAE, and a prior over its codes: what `trainers.vq_prior` runs."""
