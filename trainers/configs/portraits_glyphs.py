"""Letters of fonts that were never seen, from one letter of each.

A font is an identity. The fonts are those of this machine, or of another folder:
--config.dataset=glyphs:FOLDER. More families make a better embedder: on Debian
fonts-aenigma, fonts-texgyre and many other packages bring some.
"""

from ml_collections import config_dict

from trainers.configs import digits


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`, and the embedder's."""
    config = digits.get_config()
    config.update(
        dataset="glyphs:/usr/share/fonts",
        num_levels=8,
        merge_levels=True,
        image_size=(16, 16),
        epochs=4,
        learning_rate=3e-3,
        clip_norm=1.0,
        ema_momentum=0.995,
        sample_every=0,
    )
    # The embedding says where, too, and not only what.
    config.model.update(
        filters=32,
        num_blocks=8,
        first_kernel_size=9,
        dropout_rate=0.0,
        condition_dropout=0.1,
        positions=True,
        vector_map=True,
        vertical_gain=2.2,
    )
    # Whether the identities of the training split are divided among all splits; else
    # those of the source are taken, which must not share any.
    config.divide_identities = False
    config.embedder = {
        # See `keras_pixelcnn.FaceEmbedder`.
        "embedding_dim": 64,
        "filters": 32,
        "margin": 0.2,
        "dropout_rate": 0.1,
        # A batch holds so many identities, and so many images of each.
        "identities": 24,
        "images_each": 6,
        # The rest of its recipe is the model's.
        "epochs": 6,
        "learning_rate": 2e-3,
        "warmup_share": 0.05,
        "weight_decay": 0.0,
    }
    config.drawing = {
        # The pictures: so many identities, and drawn images of each.
        "rows": 10,
        "columns": 12,
        # What is measured: see `trainers.portrait.retrieval_accuracy`.
        "group_size": 10,
        "sources": 200,
        "images_each": 20,
        "groups": 100,
        # How images are sampled, where not as the model was trained.
        "guidance_scale": config_dict.placeholder(float),
        "top_p": config_dict.placeholder(float),
    }
    return config
