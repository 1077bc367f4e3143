"""Fashion-MNIST by class, ten kinds of clothing.

As `trainers.configs.fashion_mnist_unconditional`, with labels: the network of the
preset `gated_pixelcnn_fashion_mnist_conditional`. A run can begin with what the other
one ended with: --config.initial_model=gated_pixelcnn_fashion_mnist --config.epochs=2
"""

from ml_collections import config_dict

from trainers.configs import fashion_mnist_unconditional


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`."""
    config = fashion_mnist_unconditional.get_config()
    config.model.num_classes = 10
    config.model.condition_dropout = 0.12
    config.model.vector_map = True
    return config
