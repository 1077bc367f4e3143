"""An auto-encoder of emoji: 32x32 pictures in colour, 32 numbers each.

The data are those of `trainers.configs.emoji`, which says where they come from:

    python -m trainers.autoencoder --config=autoencoder_emoji \
        --config.dataset=emoji:data --workdir=runs/emoji

As with Fashion-MNIST, the decoder begins with a preset's weights and the encoder with
the baseline's: hours on one core of a CPU.
"""

from ml_collections import config_dict

from trainers.configs import autoencoder_fashion_mnist, emoji


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.autoencoder_digits`."""
    config = autoencoder_fashion_mnist.get_config()
    pictures = emoji.get_config()
    config.update(
        dataset=pictures.dataset,
        train_split=pictures.train_split,
        validation_split=pictures.validation_split,
        sampling=pictures.sampling,
        horizontal_flips=True,
        initial_model="gated_pixelcnn_emoji",
        steps=2000,
        learning_rate=6e-4,
        checkpoint_every=50,
        validate_every=2,
        sample_every=2,
    )
    config.model.update(
        latent_dim=32,
        filters=pictures.model.filters,
        head_filters=pictures.model.head_filters,
        dropout_rate=0.1,  # some 6,100 pictures are seen ten times each
    )
    # Some processors multiply in 16 bits one and a half times as fast; None: in 32.
    config.model.dtype = config_dict.placeholder(str)
    config.autoencoder.update(mse_epochs=12)
    return config
