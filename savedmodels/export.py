"""Writes a saved model as a SavedModel, for TF Serving and programs without Python.

Example:
    python -m savedmodels.export --model=model.keras --output=served/pixelcnn/1
"""

import os
import pathlib
import sys
import textwrap
import zipfile

import keras
from absl import app, flags

from keras_pixelcnn import AutoregressiveImageModel


def load_model(filepath: str | os.PathLike[str]) -> AutoregressiveImageModel:
    """Loads a model that `model.save` wrote.

    Keras's safe mode stays on, so that no code in the file is run.

    Args:
        filepath: a `.keras` file.

    Returns:
        The model.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it does not hold a model of `keras_pixelcnn`.
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
    except Exception as error:  # whatever the first broken part raises
        reason = textwrap.shorten(f"{type(error).__name__}: {error}", 300)
        raise ValueError(f"{path} cannot be loaded. {reason}") from error
    if not isinstance(model, AutoregressiveImageModel):
        raise ValueError(
            f"{path} must hold a model of keras_pixelcnn, such as GatedPixelCNN. "
            f"Received: {type(model).__name__}"
        )
    return model


def main(argv: list[str]) -> None:
    """Exports the model that the flags name."""
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}. Use --model, --output.")
    try:
        load_model(flags.FLAGS.model).export(flags.FLAGS.output)
    except (OSError, ValueError) as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":  # importing defines no flags: programs share their names
    flags.DEFINE_string("model", None, "The .keras file to export.", required=True)
    flags.DEFINE_string(
        "output",
        None,
        "The directory to write, which must not exist; for TF Serving "
        "<base>/<version number>.",
        required=True,
    )
    app.run(main)
