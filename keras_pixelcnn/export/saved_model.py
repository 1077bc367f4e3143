"""Writes a model as a SavedModel that appears whole or not at all."""

import json
import os
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from keras_pixelcnn.checks import check_finite_weights
from keras_pixelcnn.export.metadata import metadata_document, metadata_signature
from keras_pixelcnn.export.signature import Signature
from keras_pixelcnn.export.signatures import signatures as all_signatures
from keras_pixelcnn.files import replace_when_written

if TYPE_CHECKING:
    from keras_pixelcnn.models import ImageModel

METADATA_FILE = "assets.extra/metadata.json"


def export_saved_model(
    model: "ImageModel",
    filepath: str | os.PathLike[str],
    verbose: bool = True,
    signatures: Sequence[str] | None = None,
    label_names: Sequence[str] | None = None,
    bits_per_dim: float | None = None,
    max_batch_size: int | None = None,
) -> None:
    """Writes the SavedModel of a model, with its signatures.

    What it says of itself is both a signature, `metadata`, and a file in it.

    Args:
        model: an `AutoregressiveImageModel`, or an auto-encoder.
        filepath: a directory that does not exist; TF Serving watches for
            `<base>/<version number>`.
        verbose: whether to say what was written. Default True.
        signatures: names of those that it shall have, beside `metadata`; the first is
            also `serving_default`, for requests that name none. Default: all, in
            the order of `signatures`.
        label_names: what the labels are called. Default: the model's own.
        bits_per_dim: of data that the model was not trained on. Default: not said.
        max_batch_size: most rows of a request, if those who serve it limit them.
            Default: not said.

    Raises:
        FileExistsError: when something stands at `filepath`.
        ValueError: when the model has no such signature, the names or a number cannot
            be right, or a weight is not finite.
    """
    target = pathlib.Path(filepath)
    if target.exists():
        raise FileExistsError(
            f"{target} exists already, and a version that a server may have loaded is "
            "never changed. Export to a new version number, or remove it first."
        )
    check_finite_weights(model.variables)
    made = _chosen(all_signatures(model), signatures)
    document = metadata_document(model, label_names, bits_per_dim, max_batch_size)
    graphs = {name: _trace(signature) for name, signature in made.items()}
    document["signatures"] = {name: _describe(graph) for name, graph in graphs.items()}
    graphs["metadata"] = _trace(metadata_signature(document))
    # Not by `keras.export.ExportArchive`: it traces and writes every graph twice.
    root = tf.Module()
    root.model_variables = [variable.value for variable in model.variables]
    with replace_when_written(target) as part:
        tf.saved_model.save(
            root,
            part,
            signatures={"serving_default": graphs[next(iter(made))], **graphs},
        )
        file = part / METADATA_FILE
        file.parent.mkdir()
        file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    if verbose:
        print(f"Saved model exported to {target}: {', '.join(graphs)}")


def _chosen(
    made: dict[str, Signature], names: Sequence[str] | None
) -> dict[str, Signature]:
    if names is None:
        return made
    if isinstance(names, str) or not names or not set(names) <= set(made):
        raise ValueError(
            f"signatures must be a list of some of {list(made)}. Received: {names!r}"
        )
    return {name: made[name] for name in names}


def _trace(signature: Signature) -> Any:
    """Traces a signature as a TensorFlow concrete function."""
    function = tf.function(
        signature.function, input_signature=signature.inputs, autograph=False
    )
    return function.get_concrete_function()


def _describe(graph: Any) -> dict[str, Any]:
    """Types and shapes of what goes in and comes out, an unknown size as None."""
    inputs = {spec.name: spec for spec in graph.structured_input_signature[0]}
    return {
        way: {
            name: {"dtype": spec.dtype.name, "shape": spec.shape.as_list()}
            for name, spec in specs.items()
        }
        for way, specs in (("inputs", inputs), ("outputs", graph.structured_outputs))
    }
