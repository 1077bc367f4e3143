"""The paper's models on Fashion-MNIST, 28x28 of 256 levels: about an hour on two cores.

All have 148,000 to 155,000 parameters, no dropout, and one budget that ends long before
they have learnt all they can; none was tuned. Most of the hour goes into the Diagonal
BiLSTM. The original files come through tensorflow-datasets, or from a folder:
--config.dataset=idx:/usr/share/datasets/fashion-mnist
"""

from ml_collections import config_dict

from trainers.configs import compare_digits, fashion_mnist


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.compare_digits`."""
    config = compare_digits.budget_of(fashion_mnist.get_config())
    config.update(
        # A part of the images: epochs of 200 steps, at whose ends is a validation.
        train_split="train[:12800]",
        validation_split="train[58000:]",
        epochs=4,
        num_samples=16,
        scored_train_images=5000,
        # The Diagonal BiLSTM has no steps for its sampler: a pass for each pixel.
        timed_samples=16,
    )
    filters = {
        "pixelcnn": 43,
        "row_lstm": 32,
        "diagonal_bilstm": 30,
        "gated_pixelcnn": 35,
        "gated_pixelcnn_mixture": 36,
    }
    config.models = compare_digits.papers_models(filters)
    return config
