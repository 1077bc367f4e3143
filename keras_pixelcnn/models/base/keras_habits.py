"""What Keras does with models that models of images need otherwise, or not at all.

Keras keeps of a model whether it is trainable as a whole, and forgets the layers: what
was frozen would train again in the model that is loaded. So a model's config holds what
was set. The rest are sentences about what Keras would do, and no one could use.
"""

import collections
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn

import keras

from keras_pixelcnn.metrics import ProgressBar


def trainable_by_layer(model: keras.Model) -> dict[str, bool]:
    """Tells of which layers `trainable` is not what it is of the layer around them.

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
    """Sets what `trainable_by_layer` told of a model of the same layers.

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


def prepare_callbacks(
    callbacks: Any, metric: keras.metrics.Metric | None, verbose: Any
) -> Any:
    """Tells callbacks what Keras finds out of its own metrics alone.

    Args:
        callbacks: as `keras.Model.fit` takes them.
        metric: the model's, of which less is better. None: it has none.
        verbose: as `keras.Model.fit` takes it.

    Returns:
        The callbacks; with a progress bar, where one is shown.
    """
    if metric is None or isinstance(callbacks, keras.callbacks.CallbackList):
        return callbacks
    callbacks = keras.tree.flatten(callbacks or [])
    for callback in callbacks:
        monitor = str(getattr(callback, "monitor", "")).removeprefix("val_")
        if monitor == metric.name and getattr(callback, "mode", "") == "auto":
            callback.mode = "min"
    return callbacks if verbose == 0 else [*callbacks, ProgressBar()]


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


def refuse_clone(model: keras.Model, operation_fn: Any) -> None:
    """Refuses `keras.models.clone_model`, which would lose the model's class.

    Args:
        model: whose graph is run.
        operation_fn: what Keras runs it for.

    Raises:
        TypeError: when that is a clone.
    """
    if getattr(operation_fn, "__module__", "").endswith(".models.cloning"):
        name = type(model).__name__
        raise TypeError(
            f"keras.models.clone_model would make a keras.Model of a {name}, without "
            f"its loss and its verbs. Use {name}.from_config(model.get_config()): the "
            "same class with fresh weights."
        )
