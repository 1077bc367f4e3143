"""Models by the name of a file, or by that of a preset."""

import pathlib

import keras_pixelcnn as kp
from keras_pixelcnn.models import load_model


def load(name: str) -> kp.AutoregressiveImageModel:
    """Loads a model.

    Args:
        name: a .keras file, or a preset's name.

    Raises:
        FileNotFoundError: when there is neither.
        ValueError: when the file is damaged, or holds no model of this package.
    """
    path = pathlib.Path(name)
    if path.suffix == ".keras" or path.exists():
        return load_model(path)
    if name in kp.presets():
        return kp.from_preset(name)
    raise FileNotFoundError(
        "The model must be a .keras file or a preset "
        f"({', '.join(kp.presets()) or 'there are none'}). Received: {name}"
    )
