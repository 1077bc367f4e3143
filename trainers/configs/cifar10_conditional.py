"""CIFAR-10 by class: one model for p(image | label) and p(image).

The paper trains on classes of ImageNet only. This is `trainers.configs.cifar10` with
labels, a tenth of which are dropped in training.
"""

from ml_collections import config_dict

from trainers.configs import cifar10


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`, with labels as conditions."""
    config = cifar10.get_config()
    config.num_samples = 100
    config.model.num_classes = 10
    config.model.condition_dropout = 0.1
    return config
