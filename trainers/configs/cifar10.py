"""CIFAR-10 without its labels: 32x32 RGB images of 256 levels.

The paper gives a likelihood for CIFAR-10 (3.03 bits/dim on the test images) and neither
network nor training. Chosen instead, and not tuned: the depth and, as far as three
colours divide it, the width of the PixelCNN before it (arXiv 1601.06759), with the 5x5
filters that the paper names for ImageNet.
"""

from ml_collections import config_dict

from trainers.configs import digits


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`."""
    config = digits.get_config()
    config.update(
        dataset="cifar10",
        # The literature scores the 10,000 test images. Weights are chosen by images
        # that are held out of the 50,000.
        train_split="train[:45000]",
        validation_split="train[45000:]",
        num_levels=256,
        horizontal_flips=True,
        batch_size=128,
        epochs=200,  # of 351 steps
        learning_rate=4e-4,
        warmup_share=0.02,
        clip_norm=1.0,
        ema_momentum=0.9995,
    )
    config.model.update(
        filters=126,  # 128, but a multiple of 3
        num_blocks=15,
        kernel_size=5,
        first_kernel_size=7,
        dropout_rate=0.1,  # so few images are learnt by heart
    )
    # Here, so that they can be set on the command line.
    config.model.gradient_checkpointing = False
    config.model.dtype = config_dict.placeholder(str)
    return config
