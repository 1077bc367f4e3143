"""Gated PixelCNN on the 8x8 digits that scikit-learn carries: minutes on a CPU."""

from ml_collections import config_dict


def get_config() -> config_dict.ConfigDict:
    """Every field that a config has; each can be set as `--config.<field>=<value>`."""
    return config_dict.ConfigDict(
        {
            # Data: see `keras_pixelcnn.datasets.load`. None leaves images as stored.
            "dataset": "digits",
            "train_split": "train",
            "validation_split": "validation",
            "test_split": "test",
            "num_levels": 17,
            "image_size": config_dict.placeholder(tuple),
            "color_mode": config_dict.placeholder(str),
            "data_dir": config_dict.placeholder(str),
            "cache": True,
            # Arguments of `keras_pixelcnn.GatedPixelCNN`.
            "model": {
                "filters": 64,
                "num_blocks": 6,
                "kernel_size": 3,
                "first_kernel_size": 5,
                "head_filters": config_dict.placeholder(int),
                "dropout_rate": 0.3,
            },
            # Optimisation: AdamW. The learning rate rises over the first share of the
            # steps and falls to zero over the rest, as half a cosine.
            "batch_size": 64,
            "epochs": 60,
            "learning_rate": 2e-3,
            "warmup_share": 0.05,
            "weight_decay": 0.0,
            # Scores and saves a running average of the weights; None: the weights.
            "ema_momentum": config_dict.placeholder(float),
            # Repeatable: the same seed gives the same weights on the same machine.
            "seed": 0,
            "deterministic": True,
            # Samples: a picture at the end, and every so many epochs (0: never).
            "num_samples": 64,
            "sample_seed": 0,
            "sample_every": 10,
        }
    )
