"""scikit-learn's digits by class: one model for p(image | label) and p(image)."""

from ml_collections import config_dict

from trainers.configs import digits


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`, with labels as conditions."""
    config = digits.get_config()
    config.num_samples = 100
    config.model.num_classes = 10
    config.model.condition_dropout = 0.2
    return config
