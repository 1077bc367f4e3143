"""Models that restore images of which a degraded one is given, as "spatial".

--config=restore:TASK, a name of
`keras_pixelcnn.datasets.degradation.DEGRADATIONS`; without it super-resolution by 2.
Colours are learned from emoji, which `trainers.configs.emoji` says how to get, all else
from Fashion-MNIST. `trainers.restore` shows what a model restores. For hours on a CPU:
docs/measured.md says how long a GPU took.
"""

from ml_collections import config_dict

from trainers.configs import emoji, fashion_mnist_unconditional


def get_config(task: str = "super_resolution_2") -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`."""
    if task == "colorization":
        config = emoji.get_config()
        del config.model.num_classes, config.model.condition_dropout
        del config.model.vector_map
        config.update(epochs=50, sampling="plain")
    else:
        config = fashion_mnist_unconditional.get_config()
        config.update(epochs=14)
    config.update(warmup_share=0.05)
    config.model.update(dropout_rate=0.1, vertical_gain=1.0)
    config.task = task
    return config
