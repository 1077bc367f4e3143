"""A VQ-VAE of the 8x8 digits of scikit-learn, and a prior by class over its 4x4 codes.

Two minutes on a CPU, to see how it goes; `vq_prior_fashion_mnist` is worth a look.
"""

from ml_collections import config_dict

from trainers.configs import digits_conditional, vq_prior_fashion_mnist


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.vq_prior_fashion_mnist`."""
    config = digits_conditional.get_config()
    config.update(epochs=40, sample_every=0)
    config.model.update(
        filters=32, num_blocks=3, input_encoding="embedding", input_embedding_dim=16
    )
    config.vq_vae = vq_prior_fashion_mnist.get_config().vq_vae
    config.vq_vae.update(
        num_codes=64, code_dim=16, num_halvings=1, filters=32, epochs=40
    )
    return config
