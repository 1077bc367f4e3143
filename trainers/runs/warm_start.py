"""Beginning a run with the weights of another model."""

import keras

from keras_pixelcnn.pretrained import load_model_or_preset


def warm_start(model: keras.Model, initial_model: str) -> list[str]:
    """Takes over the weights of a trained model wherever both have them.

    Meant for models that differ in what is added: a label for a model that was trained
    without. What the trained model lacks keeps its first weights.

    Args:
        model: changed in place.
        initial_model: a `.keras` file, or the name of a preset.

    Returns:
        The paths of the weights that the trained model lacks.

    Raises:
        FileNotFoundError: when there is no such model.
        ValueError: when the trained model has weights that the model lacks, or has in
            another shape; nothing is changed then.
    """
    trained = {weight.path: weight for weight in _weights(initial_model)}
    own = {weight.path: weight for weight in model.weights}
    for path, weight in trained.items():
        shape = own[path].shape if path in own else None
        if shape != weight.shape:
            raise ValueError(
                f"config.initial_model must have no weights that config.model lacks, "
                f"nor any of another shape. Received: {initial_model}, whose {path} is "
                f"{tuple(weight.shape)}, for a model where it is "
                f"{'absent' if shape is None else tuple(shape)}"
            )
    for path, weight in trained.items():
        own[path].assign(weight.numpy())
    return [path for path in own if path not in trained]


def _weights(initial_model: str) -> list[keras.Variable]:
    return load_model_or_preset(initial_model, keras.Model).weights
