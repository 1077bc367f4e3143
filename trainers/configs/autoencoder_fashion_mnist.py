"""An auto-encoder of Fashion-MNIST: 28x28 grey images of 256 levels, 10 numbers each.

The decoder begins with a preset's weights and the encoder with the baseline's; together
they learn what the latent says: hours on one core of a CPU. Through
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
        steps=4800,
        learning_rate=8e-4,
        warmup_share=0.04,
        clip_norm=1.0,
        ema_momentum=0.98,
        checkpoint_every=100,
        sample_every=1,
    )
    # The decoder is as the preset; by a map the latent says where, too, and not only
    # what.
    config.model.update(
        filters=48,
        num_blocks=10,
        kernel_size=5,
        first_kernel_size=7,
        head_filters=128,
        dropout_rate=0.0,
        condition_dropout=0.15,
        map_filters=32,
        positions=True,
        vertical_gain=2.2,
    )
    config.autoencoder.update(
        begins_with_mse=True,
        mse_epochs=1,
        probe_images=10_000,
        guidance_scale=2.5,
        top_p=0.95,
    )
    return config
