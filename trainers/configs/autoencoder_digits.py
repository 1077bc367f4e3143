"""An auto-encoder of the 8x8 digits that scikit-learn carries: minutes on a CPU.

The length of the latent is --config.model.latent_dim; the paper has 10 and 100.
"""

from ml_collections import config_dict

from trainers.configs import digits


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`, and "autoencoder"."""
    config = digits.get_config()
    config.update(
        model_class="PixelCNNAutoencoder",
        # Few pixels tell a digit by themselves: a small decoder leaves work for z.
        model={
            "latent_dim": 10,
            "encoder_filters": 32,
            "filters": 32,
            "num_blocks": 4,
            "kernel_size": 3,
            "first_kernel_size": 3,
            "dropout_rate": 0.1,
            # The share of images that are trained without z, for guidance.
            "condition_dropout": 0.0,
            # Above 0 it is variational: the weight of the posterior's divergence.
            "beta": 0.0,
        },
        epochs=60,
    )
    config.autoencoder = {
        # The baseline: the same encoder and latent, a deconvolutional decoder.
        "mse_epochs": 60,
        "mse_learning_rate": 2e-3,
        # Whether the model begins with the baseline's encoder, which a decoder that is
        # trained already (initial_model) does not ignore.
        "begins_with_mse": False,
        # The linear probe learns from at most so many training images.
        "probe_images": 20_000,
        # A classifier of as many looks at reconstructions of so many test images.
        "accuracy_images": 500,
        # The picture: so many images, and so many reconstructions of each.
        "num_rows": 8,
        "num_reconstructions": 5,
        # How pictures are sampled, and reconstructions a second time: guidance is of
        # models with condition_dropout. Default: as trained.
        "guidance_scale": None,
        "top_p": None,
        # Draws of each image where the model is variational.
        "importance_samples": 16,
    }
    return config
