"""Replacements for Keras features: frozen layers in configs, HDF5, quantisation.

Keras keeps of a model whether it is trainable as a whole, and forgets the layers: what
was frozen would train again in the model that is loaded. So a model's config holds what
was set. The other functions refuse what Keras would do, and no one could use.
"""

import collections
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn

import keras


def trainable_by_layer(model: keras.Model) -> dict[str, bool]:
    """Returns `trainable` of the layers where it differs from their parent's.

    Args:
        model: any; its own `trainable` is told by its config.

    Returns:
        `trainable` by the layer's path, such as "GatedPixelCNNBlock:1/StackConv2D:0":
        the classes on the way with their counts, since names differ from process to
        process.
        Empty where nothing was set by hand.
    """
    layers = _layers_with_paths(model)
    return {
        path: layer.trainable
        for path, layer, around in layers
        if layer.trainable != around.trainable
    }


def set_trainable_by_layer(model: keras.Model, trainable: Mapping[str, bool]) -> None:
    """Sets what `trainable_by_layer` returned for a model of the same layers.

    Raises:
        ValueError: when a layer is not there: the model is another.
    """
    missing = dict(trainable)
    for path, layer, _ in _layers_with_paths(model):  # what is around comes first
        if path in missing:
            layer.trainable = missing.pop(path)
    if missing:
        raise ValueError(
            "The config tells of layers whether they are trainable, and the model has "
            f"no such layers: {list(missing)}. Another version of the package wrote "
            'it; without "trainable_by_layer" in the config all of them are trained.'
        )


def _layers_with_paths(
    layer: keras.layers.Layer, path: str = ""
) -> Iterator[tuple[str, keras.layers.Layer, keras.layers.Layer]]:
    counts: collections.Counter[str] = collections.Counter()
    children: Iterable[Any] = layer._flatten_layers(include_self=False, recursive=False)
    for child in children:
        kind = type(child).__name__
        own = f"{path}{kind}:{counts[kind]}"
        counts[kind] += 1
        yield own, child, layer
        yield from _layers_with_paths(child, f"{own}/")


def check_file_name(filepath: Any) -> None:
    """Checks that a model is not saved to what cannot be loaded.

    Raises:
        ValueError: when the file is one of HDF5.
    """
    if str(filepath).endswith((".h5", ".hdf5")):
        raise ValueError(
            "A whole model must be saved to a .keras file: Keras cannot load such "
            "models from HDF5. For the weights alone use save_weights, with a name "
            f"that ends in .weights.h5. Received: filepath={str(filepath)!r}"
        )


def refuse_quantisation(model: keras.Model, mode: Any) -> NoReturn:
    """Refuses `quantize`: the layers of these models have no quantised form.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError(
        f"{type(model).__name__} cannot be quantised: Keras has no quantised form of "
        "masked convolutions, and exact likelihoods need all digits. Make the model "
        f'with dtype="mixed_bfloat16" instead. Received: mode={mode!r}'
    )
