"""A VQ-VAE of Fashion-MNIST, and a prior by class over its 7x7 codes of 512.

Not among the paper's experiments; all is chosen, for half an hour on one processor.
Through tensorflow-datasets' own builder, or from the original files in a folder:
--config.dataset=idx:/usr/share/datasets/fashion-mnist
"""

from ml_collections import config_dict

from trainers.configs import fashion_mnist


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`, and those of a VQ-VAE."""
    config = fashion_mnist.get_config()
    config.update(epochs=4, sample_every=0)
    config.model.update(
        filters=32,
        num_blocks=5,
        kernel_size=3,
        first_kernel_size=5,
        dropout_rate=0.1,
        input_encoding="embedding",
        input_embedding_dim=32,
    )
    config.vq_vae = {
        # Entries of the codebook, and the length of its vectors. Height and width are
        # halved so often: 28x28 images have 7x7 codes.
        "num_codes": 512,
        "code_dim": 32,
        "num_halvings": 2,
        "filters": 64,
        "num_residual_blocks": 2,
        # See `trainers.vq.vector_quantizer`.
        "commitment": 0.25,
        "decay": 0.99,
        "batch_size": 64,
        "epochs": 6,
        "learning_rate": 1e-3,
    }
    return config
