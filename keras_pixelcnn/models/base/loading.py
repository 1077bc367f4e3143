"""Loading a model from a file, with errors that tell what is wrong with it."""

import os
import pathlib
import textwrap
import zipfile
from typing import TypeVar

import keras

from keras_pixelcnn.models.base.autoregressive import AutoregressiveImageModel

_Model = TypeVar("_Model", bound=keras.Model)


def load_model(
    filepath: str | os.PathLike[str],
    model_class: type[_Model] = AutoregressiveImageModel,
) -> _Model:
    """Loads a model that `model.save` wrote.

    `keras.models.load_model` does the same, and knows less of what can be wrong. Its
    safe mode stays on, so that no code in the file is run.

    Args:
        filepath: a `.keras` file.
        model_class: what the model must be. Default: any model of images.

    Returns:
        The model, compiled as it was when saved.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is damaged, or holds another kind of model.
    """
    path = pathlib.Path(filepath)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} must be a .keras file, as model.save writes it. There is none."
        )
    if not zipfile.is_zipfile(path):  # Keras would say that it does not exist
        raise ValueError(
            f"{path} must be a .keras file, as model.save writes it. Received: another "
            "kind of file, or the beginning of one. Save or copy it again."
        )
    try:
        model = keras.models.load_model(path)
    except Exception as error:  # whatever the first damaged part raises
        reason = textwrap.shorten(f"{type(error).__name__}: {error}", 300)
        raise ValueError(f"{path} cannot be loaded. {reason}") from error
    if not isinstance(model, model_class):
        kind = (
            "a model of keras_pixelcnn, such as GatedPixelCNN"
            if model_class is AutoregressiveImageModel
            else f"a {model_class.__name__}"
        )
        raise ValueError(f"{path} must hold {kind}. Received: {type(model).__name__}")
    return model
