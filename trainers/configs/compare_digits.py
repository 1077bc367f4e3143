"""The paper's models on the 8x8 digits of scikit-learn: minutes on a CPU.

All have 148,000 to 155,000 parameters, no dropout, and one budget; none was tuned.
PixelCNN and PixelRNN stand as arXiv 1601.06759 has them, only smaller.
"""

from typing import Any

from ml_collections import config_dict

from trainers.configs import digits


def budget_of(config: config_dict.ConfigDict) -> config_dict.ConfigDict:
    """Returns the fields of a config without its model, and those of a comparison."""
    del config["model"], config["model_class"]
    config.update(
        # Pictures of the run itself are drawn at its end only.
        sample_every=0,
        # So many images of the training split are scored. None: all.
        scored_train_images=config_dict.placeholder(int),
        # So many samples are drawn at once, and timed; one after the other, these and
        # the steps of training are repeated so often. The median counts.
        timed_samples=64,
        timing_runs=5,
    )
    return config


def a_model(title: str, model_class: str, **arguments: Any) -> dict[str, Any]:
    """Returns a model of a comparison.

    Args:
        title: in tables and pictures.
        model_class: a class of `keras_pixelcnn`: see `trainers.runs.model_classes`.
        **arguments: of that class.
    """
    return {"title": title, "model_class": model_class, "model": arguments}


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`, for several models.

    The name of a model is that of its folder; any field can be set, as
    `--config.models.pixelcnn.model.filters=32`.
    """
    config = budget_of(digits.get_config())
    config.update(epochs=40, num_samples=36)
    gated = {"filters": 36, "num_blocks": 6, "first_kernel_size": 5}
    config.models = {
        "pixelcnn": a_model(
            "PixelCNN", "PixelCNN", filters=46, num_blocks=6, first_kernel_size=5
        ),
        "row_lstm": a_model(
            "PixelRNN, Row LSTM",
            "PixelRNN",
            cell="row_lstm",
            filters=34,
            num_blocks=4,
            first_kernel_size=5,
        ),
        "diagonal_bilstm": a_model(
            "PixelRNN, Diagonal BiLSTM",
            "PixelRNN",
            cell="diagonal_bilstm",
            filters=32,
            num_blocks=4,
            first_kernel_size=5,
        ),
        "gated_pixelcnn": a_model("Gated PixelCNN", "GatedPixelCNN", **gated),
        "gated_pixelcnn_mixture": a_model(
            "Gated PixelCNN, mixture",
            "GatedPixelCNN",
            likelihood="logistic_mixture",
            **gated,
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
