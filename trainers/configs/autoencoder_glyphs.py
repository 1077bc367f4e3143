"""An auto-encoder of letters: 16x16 grey images of 8 levels, 10 numbers each.

The fonts are those of this machine, or of another folder:
--config.dataset=glyphs:FOLDER. All letters of a font, and of its family, are in one
split: test images are of fonts that were never seen.
"""

from ml_collections import config_dict

from trainers.configs import autoencoder_digits, portraits_glyphs


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.autoencoder_digits`."""
    config = autoencoder_digits.get_config()
    letters = portraits_glyphs.get_config()
    config.update(
        dataset=letters.dataset,
        label_feature="letter",
        num_levels=letters.num_levels,
        merge_levels=True,
        image_size=letters.image_size,
        epochs=4,
        learning_rate=letters.learning_rate,
        clip_norm=1.0,
        ema_momentum=letters.ema_momentum,
        sample_every=1,
    )
    # By a map the latent says where, too, and not only what.
    config.model.update(
        filters=letters.model.filters,
        num_blocks=letters.model.num_blocks,
        first_kernel_size=letters.model.first_kernel_size,
        dropout_rate=0.0,
        condition_dropout=0.1,
        map_filters=32,
        positions=True,
        vertical_gain=letters.model.vertical_gain,
    )
    config.autoencoder.update(mse_epochs=4, guidance_scale=1.5, top_p=0.95)
    return config
