"""ImageNet by its 1,000 classes, 64x64 RGB images of 256 levels.

See `trainers.configs.imagenet32_conditional`.
"""

from ml_collections import config_dict

from trainers.configs import imagenet32_conditional


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`, with labels as conditions."""
    config = imagenet32_conditional.get_config()
    config.dataset = "imagenet_resized/64x64"
    config.image_size = (64, 64)
    return config
