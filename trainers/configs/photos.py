"""32x32 RGB patches of real photographs: the two that scikit-learn carries.

Or those of any folder: --config.dataset=patches:FOLDER
"""

from ml_collections import config_dict

from trainers.configs import digits


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`."""
    config = digits.get_config()
    config.update(
        dataset="patches:sample_photos",
        num_levels=256,
        image_size=(32, 32),
        color_mode="rgb",
        batch_size=32,
        epochs=20,
        sample_every=5,
    )
    config.model.update(
        filters=48,
        first_kernel_size=7,
        dropout_rate=0.1,
    )
    return config
