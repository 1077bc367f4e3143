"""Loading a model from a file, with errors that tell what is wrong with it."""

import os
import pathlib
import textwrap
import zipfile
from typing import TypeVar

import keras

from keras_pixelcnn.models.base.autoregressive import AutoregressiveImageModel
from keras_pixelcnn.models.base.model_file import at_most, check_model_file

_Model = TypeVar("_Model", bound=keras.Model)


def load_model(
    filepath: str | os.PathLike[str],
    model_class: type[_Model] = AutoregressiveImageModel,
) -> _Model:
    """Loads a model that `model.save` wrote.

    Before anything is built, the file is looked at: it must not hold or ask for more
    than its bytes account for, must need no classes but those that do arithmetic or
    that you have registered, and its weights must lie in it and be finite. Keras's safe
    mode stays on as well. `keras.models.load_model` loads the same files, and others.

    Args:
        filepath: a `.keras` file.
        model_class: what the model must be. Default: any model of images.

    Returns:
        The model, compiled as it was when saved.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is damaged, or not as said above, or holds another kind of
            model.
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
        with at_most(check_model_file(path, model_class)):
            return keras.models.load_model(path)
    except Exception as error:  # whatever the first damaged part raises
        reason = str(error)
        if not isinstance(error, ValueError):
            reason = f"{type(error).__name__}: {error}"
        reason = textwrap.shorten(reason, 500)
        raise ValueError(f"{path} cannot be loaded. {reason}") from error
