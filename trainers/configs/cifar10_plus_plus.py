"""CIFAR-10 without its labels, by the network of PixelCNN++ (arXiv 1701.05517).

Filters, blocks, resolutions, dropout and average are those of the published 2.92
bits/dim. `docs/recipes.md` gives the reason for each difference.
"""

from ml_collections import config_dict

from trainers.configs import cifar10


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`."""
    config = cifar10.get_config()
    config.update(
        train_split="train[:49000]",
        validation_split="train[49000:]",
        horizontal_flips=False,
        batch_size=64,
        epochs=300,  # of 765 steps
        learning_rate=5e-4,
        model_class="PixelCNNPlusPlus",
    )
    config.model = {
        "filters": 160,
        "num_blocks": 5,
        "num_resolutions": 3,
        "dropout_rate": 0.5,
        "gradient_checkpointing": False,
        "dtype": config_dict.placeholder(str),
    }
    return config
