"""An auto-encoder of Fashion-MNIST: 28x28 grey images of 256 levels, 10 numbers each.

The decoder begins with the preset's weights, and learns what the latent says. It has
been begun only: in its first 200 steps the latent told next to nothing. Through
tensorflow-datasets' own builder, or from the original files in a folder:
--config.dataset=idx:/usr/share/datasets/fashion-mnist
"""

from ml_collections import config_dict

from trainers.configs import autoencoder_digits


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.autoencoder_digits`."""
    config = autoencoder_digits.get_config()
    config.update(
        dataset="fashion_mnist",
        train_split="train[:58000]",
        validation_split="train[59000:]",
        num_levels=256,
        initial_model="gated_pixelcnn_fashion_mnist",
        batch_size=32,
        epochs=1,
        learning_rate=1e-3,
        clip_norm=1.0,
        ema_momentum=0.99,
        checkpoint_every=100,
        sample_every=1,
    )
    config.model.update(
        encoder_filters=32,
        filters=48,
        num_blocks=10,
        kernel_size=5,
        first_kernel_size=7,
        head_filters=128,
        dropout_rate=0.0,
        # By a map the latent says where, too, and not only what.
        map_filters=32,
        positions=True,
        vertical_gain=2.2,
    )
    config.autoencoder.update(mse_epochs=1, probe_images=10_000)
    return config
