"""Binarised MNIST: 28x28 images of ink and paper, as one fixed draw made them.

The draw of Larochelle and Murray (2011), which the literature compares by nats an
image: `nats_per_image` among the metrics. The paper itself has no such experiment, and
the one before it (arXiv 1601.06759) gives no network of convolutions for it: all here
is chosen, and not tuned.
"""

from ml_collections import config_dict

from trainers.configs import digits


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`."""
    config = digits.get_config()
    config.update(
        dataset="binarized_mnist",  # in splits of 50,000, 10,000 and 10,000 images
        num_levels=2,
        epochs=50,  # of 781 steps
        learning_rate=1e-3,
        ema_momentum=0.999,
    )
    config.model.update(
        filters=64,
        num_blocks=12,
        kernel_size=5,
        first_kernel_size=7,
        dropout_rate=0.2,
    )
    return config
