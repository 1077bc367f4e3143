"""Pictures of your own: what is left open follows from them and from a time budget.

python -m trainers.train --config=folder --config.dataset=folder:PATH --workdir=WORKDIR

Size, colours, classes, network, batch and length are chosen by
`trainers.image_models.choosing`, which tells what and why before training begins. Any
of them can be set: --config.image_size=24 --config.model.filters=48. Few drawings in
colour begin with a preset's weights where the time is enough for them, unless the
network is set or --config.initial_model=''.
"""

from ml_collections import config_dict

from trainers.configs import digits

_OPEN = {
    "dataset": str,
    "num_levels": int,
    "batch_size": int,
    "epochs": int,
    "learning_rate": float,
    "validate_every": int,
    "sample_every": int,
}
_OPEN_IN_MODEL = {
    "filters": int,
    "num_blocks": int,
    "kernel_size": int,
    "first_kernel_size": int,
    "positions": bool,
    "vector_map": bool,
    "vertical_gain": float,
    "likelihood": str,
    "dropout_rate": float,
    "num_classes": int,  # 0: without labels
    "condition_dropout": float,
}


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`, and "minutes"."""
    config = digits.get_config()
    for fields, names in ((config, _OPEN), (config.model, _OPEN_IN_MODEL)):
        for name, kind in names.items():
            if name in fields:
                del fields[name]
            fields[name] = config_dict.placeholder(kind)
    # What all may take together: measuring, training, and the results at the end.
    config.minutes = 30.0
    config.clip_norm = 1.0
    # No config of other images has chosen the levels, when some are asked for.
    config.merge_levels = True
    return config
