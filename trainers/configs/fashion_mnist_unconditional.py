"""Fashion-MNIST: 28x28 grey images of 256 levels, without labels.

Not among the paper's experiments; all is chosen: the network of the preset
`gated_pixelcnn_fashion_mnist`, and as many images as that one saw, in ten minutes on a
GPU. Through tensorflow-datasets' own builder, or from the original files in a folder:
--config.dataset=idx:/usr/share/datasets/fashion-mnist
"""

from ml_collections import config_dict

from trainers.configs import digits


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`."""
    config = digits.get_config()
    config.update(
        dataset="fashion_mnist",
        train_split="train[:58000]",
        validation_split="train[58000:]",
        num_levels=256,
        batch_size=128,
        epochs=52,
        learning_rate=1e-3,
        warmup_share=0.01,
        clip_norm=1.0,
        ema_momentum=0.999,
        num_samples=100,
        sample_every=4,
    )
    config.model.update(
        filters=48,
        num_blocks=10,
        kernel_size=5,
        first_kernel_size=7,
        head_filters=128,
        dropout_rate=0.0,
    )
    config.model.positions = True
    config.model.vertical_gain = 2.2
    # Some processors multiply in 16 bits several times as fast; None: in 32.
    config.model.dtype = config_dict.placeholder(str)
    return config
