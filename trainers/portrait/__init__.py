"""Training and measures of a model that is conditioned on identities' embeddings."""
