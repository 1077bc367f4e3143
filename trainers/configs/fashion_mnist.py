"""Fashion-MNIST by class, ten kinds of clothing.

As `trainers.configs.fashion_mnist_unconditional`, with labels; for a run that begins
with what that one ended with, --config.initial_model=gated_pixelcnn_fashion_mnist and
two epochs are enough.
"""

from ml_collections import config_dict

from trainers.configs import fashion_mnist_unconditional


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`."""
    config = fashion_mnist_unconditional.get_config()
    config.epochs = 5
    config.model.num_classes = 10
    config.model.condition_dropout = 0.12
    config.model.vector_map = True
    config.model.positions = True
    # Some processors multiply in 16 bits several times as fast; None: in 32.
    config.model.dtype = config_dict.placeholder(str)
    return config
