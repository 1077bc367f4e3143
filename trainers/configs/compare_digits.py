"""The paper's models on the 8x8 digits of scikit-learn: minutes on a CPU.

All have 148,000 to 155,000 parameters, no dropout, and one budget; none was tuned.
PixelCNN and PixelRNN stand as arXiv 1601.06759 has them, only smaller.
"""

from collections.abc import Mapping
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


def papers_models(filters: Mapping[str, int], **arguments: Any) -> dict[str, Any]:
    """Returns the models of a comparison by the names of their folders.

    Args:
        filters: of each, but PixelCNN++, by these names.
        **arguments: further ones of the same.
    """
    kinds = {
        "pixelcnn": ("PixelCNN", "PixelCNN", {}),
        "row_lstm": ("PixelRNN, Row LSTM", "PixelRNN", {"cell": "row_lstm"}),
        "diagonal_bilstm": (
            "PixelRNN, Diagonal BiLSTM",
            "PixelRNN",
            {"cell": "diagonal_bilstm"},
        ),
        "gated_pixelcnn": ("Gated PixelCNN", "GatedPixelCNN", {}),
        "gated_pixelcnn_mixture": (
            "Gated PixelCNN, mixture",
            "GatedPixelCNN",
            {"likelihood": "logistic_mixture"},
        ),
    }
    models = {}
    for name, (title, model_class, own) in kinds.items():
        network = {"filters": filters[name], "num_blocks": 4 if "cell" in own else 6}
        models[name] = a_model(title, model_class, **own, **network, **arguments)
    models["pixelcnn_plus_plus"] = a_model(
        "PixelCNN++",
        "PixelCNNPlusPlus",
        filters=16,
        num_blocks=2,
        num_resolutions=2,
        dropout_rate=0.0,
    )
    return models


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`, for several models.

    The name of a model is that of its folder; any field can be set, as
    `--config.models.pixelcnn.model.filters=32`.
    """
    config = budget_of(digits.get_config())
    config.update(epochs=40, num_samples=36)
    filters = {
        "pixelcnn": 46,
        "row_lstm": 34,
        "diagonal_bilstm": 32,
        "gated_pixelcnn": 36,
        "gated_pixelcnn_mixture": 36,
    }
    config.models = papers_models(filters, first_kernel_size=5)
    return config
