"""ImageNet by its 1,000 classes, 32x32 RGB images of 256 levels.

The paper's one-hot labels at every layer; the network is that of
`trainers.configs.imagenet32`, which tells what is the paper's. The images are others,
scaled down in another way: those that come without labels lack them for good. So
likelihoods of the two configs compare models less exactly than they seem to.
"""

from ml_collections import config_dict

from trainers.configs import imagenet32


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`, with labels as conditions."""
    config = imagenet32.get_config()
    # Of 1,281,167 images, and 50,000 that are scored.
    config.dataset = "imagenet_resized/32x32"
    config.num_samples = 100
    config.model.num_classes = 1000
    # The paper drops no labels. Above 0 the model also learns p(image).
    config.model.condition_dropout = 0.0
    return config
