"""The background model of Fashion-MNIST, for the likelihood ratio of strange images.

A small network on mutated images, as Ren et al. 2019 (arXiv 1906.02845) have it: half
an hour on one core. `trainers.anomalies` compares it with the preset.
"""

from ml_collections import config_dict

from trainers.configs import fashion_mnist_unconditional


def get_config() -> config_dict.ConfigDict:
    """The fields of `trainers.configs.digits`."""
    config = fashion_mnist_unconditional.get_config()
    config.update(
        batch_size=32, epochs=2, ema_momentum=0.99, mutation_rate=0.2, num_samples=16
    )
    config.model.update(filters=16, num_blocks=2)
    return config
