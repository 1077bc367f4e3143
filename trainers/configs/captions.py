"""Pictures of coloured shapes from sentences, drawn here: 20x20 pixels, 2 levels.

Sampled by `python -m trainers.sample --caption="two small red circles"`, and checked
on sentences about combinations that no training picture shows by
`python -m trainers.caption_accuracy`. Seven minutes on a large GPU, a day on a CPU.
"""

from ml_collections import config_dict

from trainers.configs import digits

_WORDS = (
    "a above and are below circle circles cross crosses cyan green is it large left of "
    "picture pink red right small square squares there three triangle triangles two "
    "white yellow"
)


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`."""
    config = digits.get_config()
    config.update(
        dataset="captions",
        num_levels=2,
        batch_size=256,
        epochs=36,
        learning_rate=1.2e-3,
        clip_norm=1.0,
        ema_momentum=0.999,
        sample_every=5,
    )
    config.model.update(
        filters=72,
        num_blocks=10,
        kernel_size=5,
        first_kernel_size=7,
        dropout_rate=0.1,
    )
    config.model.vocabulary = tuple(_WORDS.split())
    config.model.caption_length = 16
    config.model.condition_dropout = 0.1
    config.model.positions = True
    # Some processors multiply in 16 bits several times as fast; None: in 32.
    config.model.dtype = config_dict.placeholder(str)
    return config
