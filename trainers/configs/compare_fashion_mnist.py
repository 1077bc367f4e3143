"""The paper's models on Fashion-MNIST, 28x28 of 256 levels: about an hour on two cores.

All have 148,000 to 155,000 parameters, no dropout, and one budget that ends long before
they have learnt all they can; none was tuned. Most of the hour goes into the Diagonal
BiLSTM. The original files come through tensorflow-datasets, or from a folder:
--config.dataset=idx:/usr/share/datasets/fashion-mnist
"""

from ml_collections import config_dict

from trainers.configs import compare_digits, fashion_mnist
from trainers.configs.compare_digits import a_model


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
    config.models = {
        "pixelcnn": a_model("PixelCNN", "PixelCNN", filters=43, num_blocks=6),
        "row_lstm": a_model(
            "PixelRNN, Row LSTM",
            "PixelRNN",
            cell="row_lstm",
            filters=32,
            num_blocks=4,
        ),
        "diagonal_bilstm": a_model(
            "PixelRNN, Diagonal BiLSTM",
            "PixelRNN",
            cell="diagonal_bilstm",
            filters=30,
            num_blocks=4,
        ),
        "gated_pixelcnn": a_model(
            "Gated PixelCNN", "GatedPixelCNN", filters=35, num_blocks=6
        ),
        "gated_pixelcnn_mixture": a_model(
            "Gated PixelCNN, mixture",
            "GatedPixelCNN",
            likelihood="logistic_mixture",
            filters=36,
            num_blocks=6,
        ),
        "pixelcnn_plus_plus": a_model(
            "PixelCNN++",
            "PixelCNNPlusPlus",
            filters=16,
            num_blocks=2,
            num_resolutions=2,
            dropout_rate=0.0,
        ),
    }
    return config
