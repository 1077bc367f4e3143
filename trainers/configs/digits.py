"""Gated PixelCNN on the 8x8 digits that scikit-learn carries: minutes on a CPU."""

from ml_collections import config_dict


def get_config() -> config_dict.ConfigDict:
    """Returns all fields of a config; each can be set as `--config.<field>=<value>`."""
    return config_dict.ConfigDict(
        {
            # Data: see `keras_pixelcnn.datasets.load`. None leaves images as stored.
            "dataset": "digits",
            "train_split": "train",
            "validation_split": "validation",
            "test_split": "test",
            "num_levels": 17,
            # Whether images of more levels may be merged to these on purpose.
            "merge_levels": False,
            "image_size": config_dict.placeholder(tuple),
            "color_mode": config_dict.placeholder(str),
            # What the source calls the labels, as "identity/Identity_No" of tfds's
            # "celeb_a", "letter" of fonts or "subcategory" of emoji. None: as
            # `keras_pixelcnn.datasets.load`.
            "label_feature": config_dict.placeholder(str),
            "data_dir": config_dict.placeholder(str),
            "cache": True,
            # A class of `keras_pixelcnn`, and its arguments.
            "model_class": "GatedPixelCNN",
            "model": {
                "filters": 64,
                "num_blocks": 6,
                "kernel_size": 3,
                "first_kernel_size": 5,
                "head_filters": config_dict.placeholder(int),
                "dropout_rate": 0.3,
            },
            # A .keras file or a preset, whose weights the run begins with: the same
            # network, which may lack conditions that this one has.
            "initial_model": config_dict.placeholder(str),
            # The order of the images: a fresh one each epoch. "class_balanced" draws
            # every class equally often, and needs cache=True.
            "sampling": "plain",
            # Mirrors half of the images, anew each epoch: where left and right may be
            # exchanged, as in photographs, and not in digits or letters.
            "horizontal_flips": False,
            # The share of the training images' values that are drawn anew, uniformly
            # and other ones each epoch: for the background model of a likelihood
            # ratio. See `keras_pixelcnn.anomaly.mutate`.
            "mutation_rate": 0.0,
            # What the model shall restore: a name of
            # `keras_pixelcnn.datasets.degradation.DEGRADATIONS`. Each training image is
            # then given degraded, anew each epoch, as the condition "spatial".
            "task": config_dict.placeholder(str),
            # Length: so many passes over the training split, or, if given, so many
            # steps. A step takes one batch, over all devices together; it is computed
            # in `gradient_accumulation_steps` parts where memory is short.
            "batch_size": 64,
            "gradient_accumulation_steps": 1,
            "epochs": 60,
            "steps": config_dict.placeholder(int),
            # "adam" or "adamw". The learning rate rises over the first share of the
            # steps. Then it stays ("constant"), falls to zero as half a cosine
            # ("cosine"), or is multiplied by `decay_factor` after each of the shares
            # of all steps ("step").
            "optimizer": "adamw",
            "learning_rate": 2e-3,
            "warmup_share": 0.05,
            "decay": "cosine",
            "decay_shares": (0.5, 0.75),
            "decay_factor": 0.1,
            "weight_decay": 0.0,
            # The gradient of the whole batch is shortened to this norm. None: never.
            "clip_norm": config_dict.placeholder(float),
            # Validates, saves and exports a running average of the weights; None: the
            # weights.
            "ema_momentum": config_dict.placeholder(float),
            # Repeatable: the same seed gives the same weights on the same machine.
            "seed": 0,
            "deterministic": True,
            # Epochs between validations, after which the best weights are saved.
            "validate_every": 1,
            # Samples: a picture at the end, and every so many epochs (0: never; a
            # multiple of validate_every) of samples and completions.
            "num_samples": 64,
            "sample_seed": 0,
            "sample_every": 10,
            # Steps between checkpoints (beside those at the ends of epochs; 0: only
            # those), and between lines of history.jsonl and TensorBoard.
            "checkpoint_every": 1000,
            "log_every": 10,
        }
    )
