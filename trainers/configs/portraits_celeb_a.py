"""Faces of people who were never seen, from one picture of each: CelebA, through tfds.

Not run here: the data must be downloaded, and it is kept in memory (622 MB of images at
32x32). Its splits are by person, which the trainer checks.
"""

from ml_collections import config_dict

from trainers.configs import portraits_lfw


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.portraits_glyphs`."""
    config = portraits_lfw.get_config()
    config.update(
        dataset="celeb_a",
        label_feature="identity/Identity_No",
        divide_identities=False,
        batch_size=128,
        epochs=20,
    )
    config.embedder.update(epochs=20, images_each=6)
    return config
