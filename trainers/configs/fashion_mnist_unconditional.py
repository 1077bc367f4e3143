"""Fashion-MNIST: 28x28 grey images of 256 levels, without labels.

Not among the paper's experiments; all is chosen, for an hour or two on a CPU. Through
tensorflow-datasets' own builder, or from the original files in a folder:
--config.dataset=idx:/usr/share/datasets/fashion-mnist
"""

from ml_collections import config_dict

from trainers.configs import digits


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`."""
    config = digits.get_config()
    config.update(
        dataset="fashion_mnist",
        train_split="train[:55000]",
        validation_split="train[55000:]",
        num_levels=256,
        epochs=7,
        learning_rate=2e-3,
        clip_norm=1.0,
        ema_momentum=0.999,
        num_samples=100,
        sample_every=1,
    )
    config.model.update(
        filters=32,
        num_blocks=8,
        kernel_size=5,
        first_kernel_size=7,
        dropout_rate=0.0,
    )
    return config
