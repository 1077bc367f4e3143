"""Fashion-MNIST without labels: as `trainers.configs.fashion_mnist`, and longer."""

from ml_collections import config_dict

from trainers.configs import fashion_mnist


def get_config() -> config_dict.ConfigDict:
    """The fields of `trainers.configs.digits`."""
    config = fashion_mnist.get_config()
    config.epochs = 7
    del config.model.num_classes
    del config.model.condition_dropout
    return config
