"""ImageNet, 64x64 RGB images of 256 levels, without labels: the paper's network.

What is the paper's and what was chosen: see `trainers.configs.imagenet32`.
"""

from ml_collections import config_dict

from trainers.configs import imagenet32


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`."""
    config = imagenet32.get_config()
    config.dataset = "downsampled_imagenet/64x64"
    config.image_size = (64, 64)
    return config
