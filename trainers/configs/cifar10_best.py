"""CIFAR-10 without its labels, as one would pay for it: after an audit of recipes.

`docs/recipes.md` gives the reason for each difference from `trainers.configs.cifar10`.
"""

from ml_collections import config_dict

from trainers.configs import cifar10


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`."""
    config = cifar10.get_config()
    config.update(
        train_split="train[:49000]",
        validation_split="train[49000:]",
        batch_size=64,
        learning_rate=6e-4,
        ema_momentum=0.9998,
    )
    config.model.update(
        filters=192,
        num_blocks=18,
        head_filters=384,
        dropout_rate=0.3,
    )
    config.model.positions = True
    config.model.vertical_gain = 2.2
    config.model.dtype = "mixed_bfloat16"
    return config
