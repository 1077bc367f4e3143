"""Faces of people who were never seen, from one picture of each: LFW, through tfds.

Not run here: the data must be downloaded. Most people of LFW have one picture alone,
from which an embedder learns nothing; `portraits_celeb_a.py` has many more.
"""

from ml_collections import config_dict

from trainers.configs import portraits_glyphs


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.portraits_glyphs`."""
    config = portraits_glyphs.get_config()
    config.update(
        dataset="lfw",
        label_feature="label",  # the names of the people
        divide_identities=True,  # there is one split
        num_levels=256,
        merge_levels=False,
        image_size=(32, 32),
        epochs=40,
    )
    config.model.update(filters=96, num_blocks=12, first_kernel_size=7)
    config.embedder.update(embedding_dim=128, identities=32, images_each=4, epochs=60)
    return config
