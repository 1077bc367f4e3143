"""Writes a model as a SavedModel that appears whole or not at all."""

import os
import pathlib
from typing import Any

import keras

from keras_pixelcnn.export.signatures import Signature, signatures
from keras_pixelcnn.files import replace_when_written


def export_saved_model(
    model: Any, filepath: str | os.PathLike[str], verbose: bool = True
) -> None:
    """Writes the SavedModel of a model, with all its signatures.

    The first signature, `sample`, is also `serving_default`.

    Args:
        model: an `AutoregressiveImageModel`.
        filepath: a directory that does not exist; TF Serving watches for
            `<base>/<version number>`.
        verbose: whether to say what was written. Default True.

    Raises:
        FileExistsError: when something stands at `filepath`.
    """
    target = pathlib.Path(filepath)
    if target.exists():
        raise FileExistsError(
            f"{target} exists already, and a version that a server may have loaded is "
            "never changed. Export to a new version number, or remove it first."
        )
    archive = keras.export.ExportArchive()
    archive.track(model)
    endpoints = signatures(model)
    for name, signature in {
        "serving_default": endpoints["sample"],
        **endpoints,
    }.items():
        _add(archive, name, signature)
    with replace_when_written(target) as part:
        archive.write_out(str(part), verbose=False)
    if verbose:
        print(f"Saved model exported to {target}: {', '.join(endpoints)}")


def _add(archive: keras.export.ExportArchive, name: str, signature: Signature) -> None:
    archive.add_endpoint(name, signature.function, input_signature=signature.inputs)
