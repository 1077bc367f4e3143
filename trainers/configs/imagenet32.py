"""ImageNet, 32x32 RGB images of 256 levels, without labels: the paper's network.

From the paper: 20 layers of 384 units, 5x5 filters, 200,000 updates with 128 images
each, over 32 GPUs. Of the rest it gives nothing; chosen, and not tuned: the first
filter of 7x7 (as arXiv 1601.06759 has it), the optimiser with all that belongs to it,
the average of the weights, positions and the start of the vertical stack, which would
fade through 20 blocks (docs/recipes.md). "Units" are taken for features after the gate.

`trainers.plan` tells what a run takes.
"""

from ml_collections import config_dict

from trainers.configs import digits


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`."""
    config = digits.get_config()
    config.update(
        dataset="downsampled_imagenet/32x32",
        # The literature scores the 49,999 images of "validation". Weights are chosen
        # by images that are held out of the 1,281,149 others.
        train_split="train[:-10000]",
        validation_split="train[-10000:]",
        test_split="validation",
        num_levels=256,
        # As stored; the dataset itself does not say so.
        image_size=(32, 32),
        color_mode="rgb",
        # Else all images lie in memory: 3.9 GB, and four times that at 64x64.
        cache=False,
        batch_size=128,
        steps=200_000,  # about 20 epochs of 9,930
        learning_rate=3e-4,
        warmup_share=0.01,
        clip_norm=1.0,
        ema_momentum=0.9995,
        sample_every=1,
    )
    config.model.update(
        filters=384,
        num_blocks=20,
        kernel_size=5,
        first_kernel_size=7,
        dropout_rate=0.0,  # each image is seen 20 times only
    )
    config.model.positions = True
    config.model.vertical_gain = 2.2
    # Here, so that they can be set on the command line.
    config.model.gradient_checkpointing = False
    config.model.dtype = config_dict.placeholder(str)
    return config
