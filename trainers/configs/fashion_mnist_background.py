"""The background model of Fashion-MNIST, for the likelihood ratio of strange images.

A small network that sees a few pixels around, on mutated images: what is local, and not
what the images are about. Ren et al. 2019 (arXiv 1906.02845) take the model's own
network; here a smaller one told strange images apart better. `trainers.anomalies`
compares it with the preset.
"""

from ml_collections import config_dict

from trainers.configs import fashion_mnist_unconditional


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`."""
    config = fashion_mnist_unconditional.get_config()
    config.update(
        epochs=32,
        learning_rate=3e-3,
        mutation_rate=0.1,
        num_samples=16,
    )
    config.model = {
        "filters": 32,
        "num_blocks": 1,
        "kernel_size": 3,
        "first_kernel_size": 3,
    }
    return config
