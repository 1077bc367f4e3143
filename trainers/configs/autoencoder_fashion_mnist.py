"""An auto-encoder of Fashion-MNIST: 28x28 grey images, merged to 16 levels.

All is chosen, for minutes on one core of a CPU: a third of the images, a small decoder.
Through tensorflow-datasets' own builder, or from the original files in a folder:
--config.dataset=idx:/usr/share/datasets/fashion-mnist
"""

from ml_collections import config_dict

from trainers.configs import autoencoder_digits


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.autoencoder_digits`."""
    config = autoencoder_digits.get_config()
    config.update(
        dataset="fashion_mnist",
        train_split="train[:20000]",
        validation_split="train[59000:]",
        num_levels=16,
        merge_levels=True,
        epochs=2,
        learning_rate=3e-3,
        clip_norm=1.0,
        sample_every=1,
    )
    config.model.update(
        encoder_filters=16,
        filters=16,
        num_blocks=4,
        kernel_size=3,
        first_kernel_size=5,
        dropout_rate=0.0,
        # The decoder sees a few pixels around each: the latent must tell where it is.
        map_filters=16,
    )
    config.autoencoder.update(mse_epochs=3, probe_images=10_000)
    return config
